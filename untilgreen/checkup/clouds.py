"""Looks at the cloud: credentials, APIs, and each secret as the step deploy would."""

from __future__ import annotations

from collections.abc import Mapping

from untilgreen.deploy.secrets import check_secrets
from untilgreen.deploy.secrets_reads import Read, needed_by_source, source_texts
from untilgreen.deploy.wanted import wanted
from untilgreen.doctor.facts import ApiProblem, ApiSeen, CloudSeen, Unseen
from untilgreen.errors import UntilgreenError
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Image, Images
from untilgreen.model.secrets import SecretStatus
from untilgreen.ports import Secrets
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, cloud

Reads = Mapping[str, Mapping[str, Read]]
"""Service -> env name -> where its source reads it without a default."""

CloudFacts = tuple[CloudSeen, tuple[ApiSeen, ...] | Unseen, tuple[SecretStatus, ...] | Unseen]


def look_at_cloud(shop: Workshop) -> CloudFacts:
    """Reach the cloud that the settings name; an emulator is started for this, if none is named."""
    named = shop.settings.cloud
    try:
        with cloud(shop.root, shop.settings) as endpoint:
            return _reached(Workshop(shop.run.model_copy(update={"endpoint": endpoint}), shop.settings))
    except UntilgreenError as error:
        seen = CloudSeen(target=named.target, endpoint=named.endpoint, project=named.project, error=str(error))
        nothing = Unseen(why="the cloud cannot be reached")
        return seen, nothing, nothing


def _reached(shop: Workshop) -> CloudFacts:
    from untilgreen.adapters import doctor_google  # noqa: PLC0415 - Google's clients take 1.5 s

    named, endpoint = shop.settings.cloud, shop.run.endpoint
    identity = "" if endpoint else doctor_google.identity()
    seen = CloudSeen(target=named.target, endpoint=endpoint, project=named.project, identity=identity)
    apis = doctor_google.apis(named.project, named.region, endpoint)
    if any(api.problem is ApiProblem.UNREACHABLE for api in apis):
        return seen, apis, Unseen(why="an API does not answer")
    return seen, apis, secrets_seen(shop.run, shop.settings, shop.secrets, _reads(shop))


def _reads(shop: Workshop) -> Reads:
    """Return what each service's source cannot do without; nothing when nothing is committed."""
    if not shop.run.commit:
        return {}
    sources = {name: service.source for name, service in shop.settings.services.items()}
    texts = source_texts(shop.history, shop.run.commit, sources)
    return {name: needed_by_source(own) for name, own in texts.items()}


def secrets_seen(
    run: Run, settings: Settings, secrets: Secrets, reads: Reads | None = None
) -> tuple[SecretStatus, ...] | Unseen:
    """Check every binding of every service, as the step deploy does before it moves anything."""
    try:
        asked = wanted(run, settings, unbuilt(settings, run.commit))
        return check_secrets(asked, secrets, settings.secrets, reads)
    except UntilgreenError as error:
        return Unseen(why=str(error))


def unbuilt(settings: Settings, commit: str) -> Images:
    """Return images as they are before anything is built: what is wanted can be told without their digests."""
    images = (Image(service=name, reference="", digest="", commit=commit, files=()) for name in settings.services)
    return Images(commit=commit, images=tuple(images))
