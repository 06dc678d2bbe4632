"""Whether what serves is what this cycle built: by revision, digest and commit, never by a tag."""

from __future__ import annotations

from untilgreen.model.delivery import Health, Image, Images, Rollout, Served, ServingStatus


def mismatches(images: Images, rollout: Rollout, health: Health | None) -> list[str]:
    """Compare what was built with what serves.

    Returns:
        A sentence for each difference and for each service whose health is unknown; empty when all is as it must be.
    """
    if not images.images:
        return ["no image was built, so nothing that serves can be this cycle's"]
    wrong = [f"{s.service}: {trouble}" for s in rollout.services if (trouble := _mismatch(s, images, rollout))]
    deployed = {served.service for served in rollout.services}
    wrong += [f"{image.service}: built and not deployed" for image in images.images if image.service not in deployed]
    # Nobody asks a rollout that does not serve for its health.
    return wrong + (_unhealthy(health, deployed) if rollout.serving else [])


def short_digest(digest: str) -> str:
    """Return a digest's first twelve hex digits with its algorithm."""
    algorithm, _, figures = digest.partition(":")
    return f"{algorithm}:{figures[:12]}" if figures else digest[:12]


def _mismatch(served: Served, images: Images, rollout: Rollout) -> str:
    """Say what about a service is not what this cycle built; empty when all of it is."""
    image = next((image for image in images.images if image.service == served.service), None)
    if served.status is not ServingStatus.SERVING:
        return f"{served.status}: {served.reason} {served.message}".strip(" :")
    if image is None:
        return "deployed without an image of this cycle"
    return _identity(served, image) or (
        f"commit {served.commit[:12]} of a rollout of {rollout.commit[:12]}" if served.commit != rollout.commit else ""
    )


def _identity(served: Served, image: Image) -> str:
    if not served.revision or served.serving_revision != served.revision:
        return f"{served.serving_revision or 'nobody'} serves, {served.revision or 'nothing'} was deployed"
    if not served.digest or served.digest != image.digest:
        return f"digest {short_digest(served.digest) or 'unknown'} serves, {short_digest(image.digest)} was built"
    if not served.commit or served.commit != image.commit:
        return f"commit {served.commit[:12] or 'unknown'} serves, {image.commit[:12]} was built"
    return ""


def _unhealthy(health: Health | None, deployed: set[str]) -> list[str]:
    if health is None:
        return ["health was not checked"]
    if not health.healthy:
        return [health.reason or "not healthy"]
    latest = {check.service: check for check in health.checks}
    silent = [f"{name}: its health was not checked" for name in sorted(deployed - set(latest))]
    return silent + [f"{c.service}: {c.url} answered {c.status}" for c in latest.values() if not c.ok]
