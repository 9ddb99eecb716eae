"""E-mails, sent by SES."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from storehooks.adapters.aws import error_code
from storehooks.domain.deactivation_mail import Mail
from storehooks.domain.email_address import masked
from storehooks.domain.errors import MailFailedError

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

MAX_REASON_LENGTH = 1000  # characters of SES's message that are logged


class Mailer:
    """Sends e-mails from one address, which must be verified in SES."""

    def __init__(self, sender: str, ses: "SESV2Client") -> None:
        self._sender = sender
        self._ses = ses

    def send(self, addresses: Sequence[str], mail: Mail) -> str:
        """Send one e-mail to all addresses, and return its id in SES. One call.

        :raises MailFailedError: if SES did not accept it, or did not respond.
        """
        try:
            response = self._ses.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": list(addresses)},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": mail.text, "Charset": "UTF-8"}},
                    }
                },
            )
        except (ClientError, BotoCoreError) as error:
            raise MailFailedError(error_code(error), masked(str(error))[:MAX_REASON_LENGTH]) from error
        return response["MessageId"]
