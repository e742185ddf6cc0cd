"""The webhooks of the settings, and what the settings say about the receivers that jobs bring."""

from backburner.config import Settings, WebhookSettings, secret_in
from backburner.core.errors import InvalidArgument
from backburner.outbound.addresses import Forbidden, Network, networks, target_of
from backburner.outbound.standard_webhooks import key_of
from backburner.work.webhooks import Hook


def open_networks(settings: Settings) -> tuple[Network, ...]:
    """Raises InvalidArgument."""
    try:
        return networks(settings.webhook_networks)
    except ValueError as error:
        raise InvalidArgument(f"setting webhook_networks: {error}; write for example 10.1.0.0/16") from None


def hooks_of(settings: Settings) -> list[Hook]:
    """Raises InvalidArgument."""
    return [_hook(name, one) for name, one in settings.webhooks.items()]


def _hook(name: str, one: WebhookSettings) -> Hook:
    secret = secret_in(f"webhooks.{name}", one.secret, one.secret_env)
    try:
        key_of(secret)
        target_of(one.url)
    except Forbidden as error:
        raise InvalidArgument(f"webhooks.{name}.url: {error}") from None
    except ValueError as error:
        words = f"{error}; `backburner webhooks new-secret` makes one"
        raise InvalidArgument(f"webhooks.{name} needs a secret or a secret_env: {words}") from None
    return Hook(name, one.url, secret, tuple(one.events), one.tenant)
