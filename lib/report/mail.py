"""The report as mail: one message a recipient, each at most once, with every outcome told.

``send_report`` sends. What the server puts off (greylisting, a lost connection) is tried again for all recipients
together after each pause, so that nobody waits for another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from email.utils import parseaddr
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_chain, wait_fixed

from lib.addresses import mailbox
from lib.report import deliveries
from lib.report.deliveries import Delivery, State
from lib.report.message import Mail, in_megabytes, is_address, message, note, one_line
from lib.report.smtp import MailProblem, NotTaken, Server, Session

__all__ = ["PAUSES", "Mail", "send_report"]

PAUSES = (15.0, 60.0, 300.0)  # seconds; greylisting commonly lets a mail in after five minutes


def send_report(
    mail: Mail,
    recipients: Iterable[str],
    server: Server,
    folder: Path,
    *,
    dry_run: bool = False,
    resend_uncertain: bool = False,
    pauses: Sequence[float] = PAUSES,
) -> list[Delivery]:
    """Send the mail to each recipient who does not have it yet; the ledger in ``folder`` knows who does.

    Whose mail may or may not have arrived is told so, and gets it only with ``resend_uncertain``. A dry run touches
    neither the server nor the folder. ``pauses`` in seconds, before each further attempt.
    Raises MailProblem without recipients, DeliveriesBusy, and OSError when the ledger cannot be kept.
    """
    if dry_run:
        plan = _plan(mail, recipients, folder, resend_uncertain)
        return [_described(mail, delivery) for delivery in plan.values()]
    with deliveries.locked(folder), closing(Session(server)) as session:
        plan = _plan(mail, recipients, folder, resend_uncertain)
        return list(_Round(mail, session, folder, plan).repeated(pauses).values())


def _plan(mail: Mail, recipients: Iterable[str], folder: Path, resend_uncertain: bool) -> dict[str, Delivery]:
    """By mailbox, what is already known of each recipient, and "would send" for the others."""
    told = deliveries.known(folder, mail.key)
    plan: dict[str, Delivery] = {}
    for recipient in (text.strip() for text in recipients):
        box = mailbox(recipient)
        if not is_address(recipient):
            plan[box] = Delivery(one_line(recipient), "failed", "This is not an e-mail address.")
        elif box in told and not (resend_uncertain and told[box].state == "uncertain"):
            plan[box] = replace(told[box], recipient=recipient)
        else:
            plan[box] = Delivery(recipient, "would send", "")
    if not plan:
        raise MailProblem("There is nobody to send the report to; set FLUENCY_MAIL_TO.")
    return plan


def _described(mail: Mail, delivery: Delivery) -> Delivery:
    if delivery.state != "would send":
        return delivery
    ready = message(mail, delivery.recipient)
    attached = {part.get_filename() for part in ready.iter_attachments()}
    left_out = {name: content for name, content in mail.files.items() if name not in attached}
    sizes = f"A mail of {in_megabytes(len(ready.as_bytes()))}, files attached: {len(mail.files) - len(left_out)}."
    return replace(delivery, reason=f"{sizes} {note(left_out, mail.size_limit)}".rstrip())


@dataclass
class _Round:
    """All recipients once; again for those whose outcome is "later"."""

    mail: Mail
    session: Session
    folder: Path
    outcomes: dict[str, Delivery]

    def repeated(self, pauses: Sequence[float]) -> dict[str, Delivery]:
        attempts = len(pauses) + 1
        Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_attempt(attempts),
            wait=wait_chain(*map(wait_fixed, (*pauses, 0))),
            retry_error_callback=lambda state: None,
        )(self.once)
        for box, delivery in self.outcomes.items():
            if delivery.state == "later":
                self.outcomes[box] = replace(
                    delivery, state="failed", reason=f"{delivery.reason} Tried {attempts} times."
                )
        return self.outcomes

    def once(self) -> list[str]:
        for box in self._waiting():
            try:
                self.outcomes[box] = self._deliver(self.outcomes[box].recipient)
            except NotTaken as problem:  # no connection: for nobody, and another login would be counted as an attack
                state: State = "later" if problem.state == "later" else "failed"
                self.outcomes |= {
                    other: Delivery(self.outcomes[other].recipient, state, str(problem)) for other in self._waiting()
                }
                break
        self.session.close()  # rather than idle during a pause
        return self._waiting()

    def _waiting(self) -> list[str]:
        return [box for box, delivery in self.outcomes.items() if delivery.state in {"would send", "later"}]

    def _deliver(self, recipient: str) -> Delivery:
        ready = message(self.mail, recipient, size_limit=self.session.size_limit).as_bytes()
        deliveries.claim(self.folder, self.mail.key, recipient)
        try:
            self.session.hand_over(parseaddr(self.mail.sender)[1], recipient, ready)
        except NotTaken as problem:
            outcome = Delivery(recipient, problem.state, str(problem))
        else:
            outcome = Delivery(recipient, "accepted", f"The mail server accepted {in_megabytes(len(ready))}.")
        deliveries.settle(self.folder, self.mail.key, outcome)
        return outcome
