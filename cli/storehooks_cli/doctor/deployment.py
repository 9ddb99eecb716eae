"""The deployment: CloudFormation's status, and the host name of the stack."""

from datetime import UTC, datetime, timedelta
from typing import Any

from storehooks_cli.doctor.check import Check, Finding, Subject, failed, not_checked, ok

_RENEWED_BEFORE = timedelta(days=30)
"""ACM renews a certificate that it issued weeks before its end; one that is nearer was not renewed."""


def stack(subject: Subject) -> Finding:
    """Whether the last deployment took effect."""
    status = subject.stack.status
    if status in {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}:
        return failed(
            f"{subject.stack.name} is {status}: it is as before the last deployment, which failed",
            f"aws cloudformation describe-stack-events --stack-name {subject.stack.name} shows why",
        )
    return ok(f"{subject.stack.name} is {status}; API at {subject.stack.api_url}")


def custom_domain(subject: Subject) -> Finding:
    """Whether the host name has a certificate that lasts, and leads to this stack's stage."""
    name = subject.stack.parameters.get("DomainName", "")
    if not name:
        return not_checked("the stack has no host name of its own: DomainName is empty")
    gateway = subject.client("apigateway")
    domain = gateway.get_domain_name(domainName=name)
    if domain.get("domainNameStatus", "AVAILABLE") != "AVAILABLE":
        return failed(f"{name} is {domain['domainNameStatus']}", "wait until API Gateway has it AVAILABLE")
    arn = domain["regionalCertificateArn"]
    certificate = subject.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    if fault := _fault(name, arn, certificate):
        return fault
    mappings = gateway.get_base_path_mappings(domainName=name).get("items", [])
    paths = {one.get("basePath", "(none)"): (one.get("restApiId"), one.get("stage")) for one in mappings}
    expected = (subject.stack.output("ApiId"), subject.stack.output("StageName"))
    if paths.get("(none)") != expected:
        leads = ", ".join(f"{path} to {api}/{stage}" for path, (api, stage) in paths.items()) or "nowhere"
        return failed(f"{name} leads {leads}", "deploy again: the empty base path has to be this stack's")
    return ok(f"{name} leads to this stack; its certificate ends on {certificate['NotAfter']:%Y-%m-%d}")


CHECKS = [Check("stack", stack), Check("custom domain", custom_domain)]


def _fault(name: str, arn: str, certificate: Any) -> Finding | None:
    """What is wrong with the certificate of a host name; None if nothing is."""
    if certificate["Status"] != "ISSUED":
        return failed(
            f"the certificate of {name} is {certificate['Status']}",
            "set the DNS records that ACM names, or deploy with another CertificateArn",
        )
    ends = certificate["NotAfter"]
    if ends - datetime.now(UTC) >= _RENEWED_BEFORE:
        return None
    if certificate["Type"] == "IMPORTED":
        return failed(
            f"the certificate of {name} ends on {ends:%Y-%m-%d}, and ACM does not renew an imported one",
            f"import a new one into the same ARN: aws acm import-certificate --certificate-arn {arn}",
        )
    return failed(
        f"the certificate of {name} ends on {ends:%Y-%m-%d} and was not renewed",
        "set the DNS records that ACM names: it renews weeks before the end",
    )
