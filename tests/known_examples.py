"""What looks like a secret in this repository and is none: detect-secrets passes it over (`make lint`).

A value is passed over wherever it stands, and only as a whole, so nothing here depends on lines or files.
"""

import re

# Each value is made up for examples and tests, or public.
VALUES = {
    "0123456789abcdef0123456789abcdef",  # the access token of the event files
    "40c672b9177b5d3a8dbfad24321be15d",  # the client id of all examples; an id is no secret
    "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",  # an admin token in the event files
    "14f95c33ed545e28af398a33a54ae9eddd75ec99caccf178617b973677d999d5",  # the digest of "an access token"
    "66350b8875bbe254a7553a768476011126a90b3192e3f3ba2e7ba16e99291b7c",  # the digest of an example's token
    "5f2b",  # what the secret of docs/openapi.yaml's examples is made of
    "5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b5f2b",  # that secret
    "a1b2c3d4e5",  # the id of an API in examples, part of a public address
    "0therapi00",  # another one
    "5f0c2b7d9e1a4c3b8d6f7a9012e4c6b1",  # a client id of tests; an id is no secret
    "5f0c2b7d9e1a4c3b8d6f7a9012e4c6b9",  # a client id of tests; an id is no secret
    "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",  # the receipt handle in AWS's own example of an SQS event
    "d95fbcffbc21e28fa3fba98ccc88f68db98f0722",  # the digest of the event that docs/deliveries.md shows
    "dd70c0976e06b67aaf671e73f49dcb79230ebf9d",  # the digest of an event in a test
    "1eed6d2d979776ff18e695ceeb10ea61",  # the cart's token in BigCommerce's example of store/cart/abandoned
    "8c777d43ce9645d484b704eb2b30fea323bb7795e6662b079a9d9a79216256a1",  # the digest of a destination
    "kv9c2examplesecret0123456789abcdef",  # the client's secret of the signature examples
    "hunter2",  # a header's value that tests look for in logs
    "hunter2-very-secret",  # the same
    "s3cr3t",  # a word in a request that tests look for in errors
    "secret",  # the password of a URL that is refused
    "test",  # the credentials of the local AWS, which takes any
    "operator",  # the same, for the AWS CLI that a test stands in for
    "testing",  # the same, for moto
    "AKIAIOSFODNN7EXAMPLE",  # the credentials of the examples in AWS's documentation
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",  # their secret half
    "bench-secret-5f0c3f6d2ba84d0f8b6f3b1c2f0e9a77",  # what benchmarks sign with, to a receiver of their own
}
PATTERNS = {
    r"/(live/)?(admin/v1/)?stores/5ueh97/\S+",  # a path of the event files, long enough to look random
    r"eyJzY29wZSI6[A-Za-z0-9+/]+=*",  # the body of create_hook_base64.json, which begins with a scope
}
LINES = {
    r".*\bprevious_secret_until\b.*\n?",  # a time
    r'\s*"md5OfBody": "[0-9a-f]{32}",?\n?',  # the digest that SQS sends with each message
}


def is_known(line: str, secret: str) -> bool:
    """Whether something that was found is one of these. detect-secrets tells arguments by their names."""
    return (
        secret in VALUES
        or any(re.fullmatch(pattern, secret) for pattern in PATTERNS)
        or any(re.fullmatch(pattern, line) for pattern in LINES)
    )
