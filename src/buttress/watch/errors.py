"""What can go wrong with alerts."""

from buttress.kernel.errors import EACH_IS_NAMED, ButtressError


class AlertUnknown(ButtressError):
    """There is no such alert, or none of its deliveries can be tried again."""

    code = "watch.alert_unknown"
    hint = "List them: buttress alerts list"


class WebhookUnknown(ButtressError):
    """alerts.yaml names no such webhook."""

    code = "watch.webhook_unknown"
    hint = "Declare it in alerts.yaml: `webhooks: {NAME: {url: https://..., secret: env:NAME}}`."


class SecretUnusable(ButtressError):
    """What the secret of a webhook refers to is no secret that messages can be signed with."""

    code = "watch.secret_unusable"
    hint = "Make one: echo whsec_$(openssl rand -base64 32); and give it to the receiver, too."


class WebhooksInvalid(ButtressError):
    """alerts.yaml holds mistakes."""

    code = "watch.declaration"
    hint = EACH_IS_NAMED
