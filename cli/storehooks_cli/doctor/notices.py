"""How people are notified: alarms, who gets them, and e-mails to the owners of hooks."""

from contextlib import suppress
from typing import Any

from storehooks_cli.doctor.check import Check, Finding, Subject, failed, not_checked, ok

_AT_ONCE = 100  # names that DescribeAlarms takes
_PENDING = "PendingConfirmation"


def alarms(subject: Subject) -> Finding:
    """Whether an alarm is on."""
    names = [*subject.resources("AWS::CloudWatch::Alarm").values()]
    found = subject.client("cloudwatch").describe_alarms(AlarmNames=names, MaxRecords=_AT_ONCE)[
        "MetricAlarms"
    ]
    on = {one["AlarmName"]: one for one in found if one["StateValue"] == "ALARM"}
    if on:
        pages = {one["AlarmDescription"].rpartition("See ")[2] for one in on.values()}
        return failed(f"on: {', '.join(sorted(on))}", f"see {', '.join(sorted(pages))}")
    if missing := set(names) - {one["AlarmName"] for one in found}:
        return failed(f"deleted: {', '.join(sorted(missing))}", "deploy the stack again")
    return ok(f"none of {len(names)} is on")


def subscriptions(subject: Subject) -> Finding:
    """Whether those who are to be notified of alarms have confirmed that."""
    pages = subject.client("sns").get_paginator("list_subscriptions_by_topic")
    topic = subject.stack.output("OperationsTopicArn")
    found = [one for page in pages.paginate(TopicArn=topic) for one in page["Subscriptions"]]
    if waiting := [one["Endpoint"] for one in found if one["SubscriptionArn"] == _PENDING]:
        return failed(
            f"not confirmed: {', '.join(waiting)}", "open the link in the mail that AWS sent to the address"
        )
    if found:
        return ok(f"confirmed: {len(found)}")
    if address := subject.stack.parameters.get("OperationsEmail"):
        return failed(
            f"{address} is not subscribed: SNS deletes a subscription that is not confirmed within 48 hours",
            f"aws sns subscribe --protocol email --topic-arn {topic} --notification-endpoint {address},"
            " then open the link in the mail",
        )
    return ok(
        "nobody is notified of alarms", "deploy with OperationsEmail, or subscribe to OperationsTopicArn"
    )


def email(subject: Subject) -> Finding:
    """Whether SES sends what notify_owners hands it."""
    sender = subject.stack.parameters.get("EmailSender", "")
    if not sender:
        return not_checked("no e-mails are sent: EmailSender is empty")
    ses = subject.client("sesv2")
    identities = _identities(ses, sender)
    if not identities:
        return failed(
            f"SES knows neither {sender} nor its domain in this region",
            f"aws sesv2 create-email-identity --email-identity {sender.rpartition('@')[2]},"
            " and publish the records that it returns",
        )
    verified = [name for name, one in identities.items() if one.get("VerifiedForSendingStatus")]
    if not verified:
        return failed(
            f"not verified: {', '.join(identities)}", "open the link that SES sent, or set the DNS records"
        )
    identity = verified[0]
    account = ses.get_account()
    if not account.get("SendingEnabled"):
        return failed("SES has stopped sending for this account", "see the account's reputation in SES")
    if not account.get("ProductionAccessEnabled"):
        return failed(
            "the account is in the sandbox of SES: only verified addresses get e-mails",
            "ask for production access in SES, in this region",
        )
    if (configuration := identities[identity].get("ConfigurationSetName")) and not _exists(
        ses, configuration
    ):
        return failed(
            f"{identity} names the configuration set {configuration}, which does not exist",
            "create it, or give the identity another: SES refuses to send until then",
        )
    return ok(f"{identity} is verified, configuration set: {configuration or 'none'}, no sandbox")


_NO_MAIL = "the local AWS sends no e-mails"
CHECKS = [
    Check("alarms", alarms, "the local AWS has no metrics for them"),
    Check("alarm subscriptions", subscriptions, _NO_MAIL),
    Check("e-mail", email, _NO_MAIL),
]


def _identities(ses: Any, sender: str) -> dict[str, Any]:
    """What SES knows of the sender, its domain and the domains above, in this order.

    SES sends from an address when any of them is verified.
    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
    """
    labels = sender.rpartition("@")[2].split(".")
    known = {}
    for name in (sender, *(".".join(labels[first:]) for first in range(len(labels) - 1))):
        with suppress(ses.exceptions.NotFoundException):
            known[name] = ses.get_email_identity(EmailIdentity=name)
    return known


def _exists(ses: Any, configuration: str) -> bool:
    try:
        ses.get_configuration_set(ConfigurationSetName=configuration)
    except ses.exceptions.NotFoundException:
        return False
    return True
