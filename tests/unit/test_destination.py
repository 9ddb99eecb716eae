"""Which destinations a hook may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.destination import (
    ACCEPTED,
    ACCEPTED_LOCALLY,
    check_destination,
    destination_digest,
    origin,
    split_target,
)
from storehooks.domain.errors import InvalidValueError
from tests.unit.test_address import carriers, refused_ipv4


def fake(text: str) -> str:
    """A label in ASCII form of what has none: IDNA would map it to something else."""
    return "xn--" + text.encode("punycode").decode()


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com/orders",
        "https://app.example.com",
        "https://app.example.com:443/orders?a=1&b=%20#".removesuffix("#"),
        "HTTPS://App.Example.Com/Orders",
        "https://example.com?x",
        "https://8.8.8.8/hook",
        "https://[2606:4700:4700::1111]/hook",
        "https://xn--bcher-kva.example/",
        "https://r3---sn-4g5e6nzs.example.com/",
        "https://" + "a" * 63 + ".example.com/",
        "https://example.com/" + "a" * (2048 - len("https://example.com/")),
        "https://home.example/",
        "https://notlocal.example/",
        "https://mylocalhost.com/",
        "https://my_app.example.com/",
        "https://_app.my_shop_.example.com/",
        "https://xn--ls8h.la/",
        "https://xn--i-7iq.ws/",
        "https://XN--LS8H.la/",
        "https://xn--a.example/",
        "https://my_app.xn--ls8h.la/",
    ],
)
def test_a_public_https_url_is_kept_as_it_is(url):
    assert check_destination(url) == url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://ｅｘａｍｐｌｅ.com/", "https://example.com/"),
        ("https://my_app.bücher.example/", "https://my_app.xn--bcher-kva.example/"),
        ("https://xn--ls8h.bücher.example/", "https://xn--ls8h.xn--bcher-kva.example/"),
    ],
)
def test_an_internationalised_name_is_kept_in_its_ascii_form(url, kept):
    assert check_destination(url) == kept


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not an absolute URL"),
        ("orders", "not an absolute URL"),
        ("//example.com/", "not an absolute URL"),
        ("https:/example.com", "not an absolute URL"),
        ("https:example.com", "not an absolute URL"),
        (" https://example.com/", "not an absolute URL"),
        ("https:\\\\example.com/", "not an absolute URL"),
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://:443/", "no host"),
        ("https://example.com:8443/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:0443/", "port"),
        ("https://example.com:443:443/", "malformed"),
        ("https://example.com:x/", "malformed"),
        ("https://user@example.com/", "user name or password"),
        ("https://user:secret@example.com/", "user name or password"),
        ("https://example.com@127.0.0.1/", "user name or password"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/a b", "percent-encoded"),
        ("https://example.com/a\\b", "percent-encoded"),
        ("https://example.com/\n", "percent-encoded"),
        ("https://example.com/\x00", "percent-encoded"),
        ("https://example.com/ü", "percent-encoded"),
        ("https://example.com/%zz", "percent-encoded"),
        ("https://example.com/" + "a" * 2048, "longer than 2048"),
        ("https://" + "ü" * 500 + ".example/" + "a" * 1500, "not a valid internationalised name"),
        # names
        ("https://localhost/", "single label"),
        ("https://intranet/", "single label"),
        ("https://a.localhost/", "not public"),
        ("https://LOCALHOST.localdomain/", "not public"),
        ("https://printer.local/", "not public"),
        ("https://db.internal/", "not public"),
        ("https://a.home.arpa/", "not public"),
        ("https://a.svc.cluster.local/", "not public"),
        ("https://a.default.svc/", "not public"),
        ("https://1.0.0.127.in-addr.arpa/", "not public"),
        ("https://x.onion/", "not public"),
        ("https://x.test/", "not public"),
        ("https://ｌocalhost/", "single label"),
        ("https://example.com./", "ends in a dot"),
        ("https://bücher.example./", "ends in a dot"),
        ("https://example.com。/", "ends in a dot"),
        ("https://a..example.com/", "not a valid name"),
        ("https://-a.example.com/", "not a valid name"),
        ("https://my_app/", "single label"),
        ("https://my_app.local/", "not public"),
        ("https://my_büch.example/", "internationalised"),
        ("https://-_a.example.com/", "not a valid name"),
        ("https://" + "_" * 64 + ".example.com/", "not a valid name"),
        ("https://*.example.com/", "not a valid name"),
        ("https://exa mple.com/", "not a valid name"),
        ("https://example.com\\.evil.example/", "not a valid name"),
        ("https://" + "a" * 64 + ".example.com/", "not a valid name"),
        ("https://" + "a." * 127 + "com/", "not a valid name"),
        ("https://☃.example/", "internationalised"),
        ("https://xn--ls8h/", "single label"),
        ("https://xn--ls8h.internal/", "not public"),
        ("https://xn--.example/", "not a valid name"),
        # a label in ASCII form that some software would decode and map
        (f"https://app.{fake('ｌocal')}/", "at or under .local"),
        (f"https://app.{fake('ＩＮＴＥＲＮＡＬ')}/", "at or under .internal"),
        (f"https://{fake('app。local')}.{fake('。')}/", "at or under .local"),
        (f"https://{fake('１２７')}.0.0.1/", "ends in a number"),
        (
            f"https://{fake('１２７')}.{fake('０')}.{fake('０')}.{fake('１')}/",
            "127.0.0.1 in another spelling",
        ),
        (f"https://a.{fake('１')}/", "ends in a number"),
        # addresses
        ("https://127.0.0.1/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
        ("https://[::1]/", "not public"),
        ("https://[::ffff:127.0.0.1]/", "not public"),
        ("https://[::ffff:8.8.8.8]/", "not public"),
        ("https://[fe80::1%25eth0]/", "malformed IPv6"),
        ("https://[127.0.0.1]/", "malformed IPv6"),
        ("https://[::1/", "malformed host"),
        ("https://[v1.x]/", "malformed IPv6"),
        ("https://127.1/", "127.0.0.1 in another spelling"),
        ("https://0x7f.0.0.1/", "127.0.0.1 in another spelling"),
        ("https://0177.0.0.1/", "127.0.0.1 in another spelling"),
        ("https://2130706433/", "127.0.0.1 in another spelling"),
        ("https://127.0.0.1./", "127.0.0.1 in another spelling"),
        ("https://127%2e0%2e0%2e1/", "127.0.0.1 in another spelling"),
        ("https://%31%32%37.0.0.1/", "127.0.0.1 in another spelling"),
        ("https://１２７.０.０.１/", "127.0.0.1 in another spelling"),
        ("https://①②⑦.⓪.⓪.①/", "127.0.0.1 in another spelling"),
        ("https://١٢٧.٠.٠.١/", "127.0.0.1 in another spelling"),
        ("https://𝟙𝟚𝟟.𝟘.𝟘.𝟙/", "127.0.0.1 in another spelling"),
        ("https://127。0．0｡1/", "127.0.0.1 in another spelling"),
        ("https://127.0.\u200b0.1/", "127.0.0.1 in another spelling"),
        ("https://127.0.0.1\u00ad/", "127.0.0.1 in another spelling"),
        ("https://8.8.8.8./", "write it as 8.8.8.8"),
        ("https://010.8.8.8/", "write it as 8.8.8.8"),
        ("https://1.2.3.4.5/", "ends in a number"),
        ("https://256.1.1.1/", "ends in a number"),
        ("https://example.0x1/", "ends in a number"),
        ("https://%65xample.com/", "percent-encoded host"),
    ],
)
def test_what_is_no_public_https_url_is_refused_with_its_reason(url, reason):
    with pytest.raises(InvalidValueError) as caught:
        check_destination(url)
    assert reason in caught.value.reason
    assert "https URL" in caught.value.accepted


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@example.com/",
        "http://user:secret@example.com/",
        "https:/user:secret@example.com/",
        "https:\\\\user:secret@example.com/",
        "https://example.com/?token=secret#x",
    ],
)
def test_a_secret_in_a_url_is_not_repeated(url):
    with pytest.raises(InvalidValueError) as caught:
        check_destination(url)
    refused = caught.value
    assert refused.given is None
    assert "secret" not in refused.reason + refused.accepted


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/hook",
        "http://localhost:8000",
        "http://[::1]:9/",
        "https://app.local:8443/",
        "http://receiver/",
        "http://my_app:8000/x",
        "http://xn--ls8h:8000/",
        "https://example.com/",
    ],
)
def test_private_destinations_are_admitted_where_they_are_allowed(url):
    assert check_destination(url, allow_private=True) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://localhost/",
        "http://user@localhost/",
        "http://127.1/",
        "http://localhost:0/",
        "http://localhost:65536/",
        "http://localhost:080/",
        "http://localhost./",
        "http://[::1/",
    ],
)
def test_allowing_private_destinations_opens_nothing_else(url):
    with pytest.raises(InvalidValueError):
        check_destination(url, allow_private=True)


NAME_OF_253 = ".".join(["a" * 63] * 3 + ["a" * 61])
NAME_OF_254 = NAME_OF_253 + "a"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("orders", "is not an absolute URL"),
        ("http://example.com/", "does not start with https://"),
        (
            "https://user@example.com/",
            "holds a user name or password; send credentials in headers",
        ),
        ("https://example.com/#a", "has a fragment (#...), which is never sent"),
        (
            "https://example.com/a b",
            "has characters in its path or query that must be percent-encoded",
        ),
        ("https://example.com:x/", "has a malformed host or port"),
        ("https://example.com:444/", "has a port other than 443"),
        ("https:///a", "has no host"),
        ("https://[127.0.0.1]/", "has a malformed IPv6 address"),
        ("https://exa%6dple.com/", "has a percent-encoded host"),
        ("https://a.1/", "has a host that ends in a number but is not an IPv4 address"),
        ("https://a.1./", "has a host that ends in a number but is not an IPv4 address"),
        ("https://127。1/", "has the address 127.0.0.1 in another spelling, which is not public"),
        ("https://☃.example/", "has a host that is not a valid internationalised name"),
        ("https://example.com./", "has a host name that ends in a dot"),
        ("https://-a.example.com/", "has a host that is not a valid name"),
        (f"https://{NAME_OF_254}/", "has a host that is not a valid name"),
        ("https://intranet/", "has a host name of a single label, which is not public"),
        ("https://a.b.internal/", "has a host name at or under .internal, which is not public"),
        (f"https://example.com/{'a' * 2048}", "is longer than 2048 characters"),
        (
            f"https://ü.example/{'a' * (2048 - len('https://ü.example/'))}",
            "is longer than 2048 characters in its ASCII form",
        ),
    ],
)
def test_a_refused_destination_is_told_why_and_what_is_accepted(url, reason):
    with pytest.raises(InvalidValueError) as refused:
        check_destination(url)
    assert (refused.value.reason, refused.value.accepted) == (reason, ACCEPTED)
    assert refused.value.given is None, "it may hold a password"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://localhost/", "does not start with http:// or https://"),
        ("http://localhost:0/", "has a port that is not a number from 1 to 65535"),
        ("http://localhost:65536/", "has a port that is not a number from 1 to 65535"),
        ("http://localhost:100000/", "has a port that is not a number from 1 to 65535"),
        ("http://127.1/", "has the address 127.0.0.1 in another spelling; write it as 127.0.0.1"),
    ],
)
def test_locally_it_is_told_what_is_accepted_there(url, reason):
    with pytest.raises(InvalidValueError) as refused:
        check_destination(url, allow_private=True)
    assert (refused.value.reason, refused.value.accepted) == (reason, ACCEPTED_LOCALLY)


@pytest.mark.parametrize("port", [1, 9, 65535])
def test_locally_any_port_is_accepted(port):
    assert check_destination(f"http://localhost:{port}/", allow_private=True)


def test_a_name_of_253_characters_is_the_longest():
    assert check_destination(f"https://{NAME_OF_253}/")


def test_the_digest_is_the_same_in_each_release():
    """It is in the tables: another one would let a hook be registered twice."""
    digest = "8c777d43ce9645d484b704eb2b30fea323bb7795e6662b079a9d9a79216256a1"
    assert destination_digest("HTTPS://App.example.com:443") == digest


@pytest.mark.parametrize("text", ["nonsense", "https://[::1/"])
def test_only_a_checked_destination_has_a_digest(text):
    with pytest.raises(ValueError, match="destination"):
        destination_digest(text)


def test_what_is_told_of_a_destination_is_its_scheme_host_and_port():
    assert origin("https://app.example.com:443/key?token=1") == "https://app.example.com:443"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://example.com/", "HTTPS://EXAMPLE.com:443/"),
        ("https://example.com?x", "https://example.com/?x"),
        ("https://[2606:4700::1]/", "https://[2606:4700:0::1]/"),
        ("http://example.com/", "http://example.com:80/"),
    ],
)
def test_spellings_of_one_destination_are_one(one, other):
    assert destination_digest(one) == destination_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/a", "https://example.com/a/"),
        ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
        ("https://example.com/?x=%c3", "https://example.com/?x=%C3"),
        ("https://example.com/%61", "https://example.com/a"),
        ("https://example.com/?", "https://example.com/"),
        ("https://example.com/a/../b", "https://example.com/b"),
        ("https://example.com/?a", "https://example.com/?b"),
        ("http://example.com:81/", "http://example.com:82/"),
        ("https://one.example.com/", "https://two.example.com/"),
        ("http://example.com/", "https://example.com/"),
    ],
)
def test_different_destinations_are_different(one, other):
    assert destination_digest(one) != destination_digest(other)


@given(refused_ipv4, st.sampled_from(["{}", "{}.", "%s", "0x%x", "0%o"]))
def test_no_spelling_of_a_refused_ipv4_address_gets_through(address, spelling):
    host = spelling.format(address) if "{" in spelling else spelling % int(address)
    with pytest.raises(InvalidValueError):
        check_destination(f"https://{host}/")


@given(refused_ipv4)
def test_no_ipv6_literal_of_a_refused_ipv4_address_gets_through(address):
    for carrier in carriers(address):
        with pytest.raises(InvalidValueError):
            check_destination(f"https://[{carrier}]/")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), st.booleans())
def test_any_host_is_kept_as_plain_ascii_or_refused(host, allow_private):
    try:
        kept = check_destination(f"https://{host}/", allow_private=allow_private)
    except InvalidValueError:
        return
    assert kept.isascii()
    assert kept.isprintable()
    assert check_destination(kept, allow_private=allow_private) == kept
    assert destination_digest(kept)


@pytest.mark.parametrize(
    ("destination", "parts"),
    [
        ("https://example.com", ("https://example.com", "/")),
        ("https://example.com?", ("https://example.com", "/?")),
        ("https://example.com?x=%c3", ("https://example.com", "/?x=%c3")),
        ("HTTPS://Example.com:443/a%2fb?c?/@d", ("HTTPS://Example.com:443", "/a%2fb?c?/@d")),
        ("http://[::1]:9//a/../b", ("http://[::1]:9", "//a/../b")),
    ],
)
def test_a_destination_is_what_to_connect_to_and_the_target_to_name_there(destination, parts):
    assert split_target(destination) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orders",
        "https://a.example/ b",
        "https://a.example/\r\nX: y",
        "https://a.example/#",
        "https://a.example/%2",
    ],
)
def test_only_a_checked_destination_has_a_target(text):
    with pytest.raises(ValueError, match="destination"):
        split_target(text)


@given(
    st.text(alphabet="/?%2fF#@:\\a.", max_size=20), st.sampled_from(["a.example", "a.example:443", "8.8.8.8"])
)
def test_whatever_path_and_query_is_admitted_changes_nothing_of_where_to_connect(rest, where):
    try:
        kept = check_destination(f"https://{where}/{rest}")
    except InvalidValueError:
        return
    assert split_target(kept) == (f"https://{where}", f"/{rest}")


@given(st.text(max_size=60))
def test_any_text_is_kept_or_refused(text):
    try:
        check_destination(text)
    except InvalidValueError as refused:
        assert refused.reason  # noqa: PT017
