"""Who may call a service: Cloud Run's front end, real ID tokens, and the metadata server that gives them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.iam.v1 import policy_pb2
from google.type import expr_pb2

from tests.contract.emulator_cloud import (
    GOOD,
    PROJECT,
    Cloud,
    a_trace,
    get,
    grant,
    parent,
    request_entry,
    service,
    shared,
    short,
    unique,
)

FRONT = f"frontend@{PROJECT}.iam.gserviceaccount.com"
STRANGER = f"stranger@{PROJECT}.iam.gserviceaccount.com"
CALLER = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen
from urllib.error import HTTPError
import google.auth
from google.auth.transport.requests import Request as Transport
from google.oauth2 import id_token

class App(BaseHTTPRequestHandler):
    def do_GET(self):
        target = parse_qs(urlsplit(self.path).query)["url"][0]
        token = id_token.fetch_id_token(Transport(), target)
        claims = id_token.verify_token(
            token, Transport(), target, "http://" + os.environ["GCE_METADATA_HOST"] + "/oauth2/v1/certs")
        credentials, project = google.auth.default()
        credentials.refresh(Transport())
        try:
            with urlopen(Request(target, headers={"Authorization": "Bearer " + token})) as response:
                status = response.status
        except HTTPError as error:
            status = error.code
        said = [status, claims["email"], project, credentials.service_account_email, bool(credentials.token)]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(repr(said).encode())
    def log_message(self, *args):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return shared("--invoker-iam")


@pytest.fixture(scope="module")
def private(cloud: Cloud) -> Any:
    """A service that only the frontend may call."""
    state = cloud.deploy(service(unique("private"), cloud.push(GOOD)))
    grant(cloud, state.name, f"serviceAccount:{FRONT}")
    return state


def metadata(cloud: Cloud, path: str, **headers: str) -> tuple[int, bytes]:
    wanted = headers or {"Metadata-Flavor": "Google"}
    return get(f"http://{cloud.environment['GCE_METADATA_HOST']}/computeMetadata/v1/{path}", wanted)


def token(cloud: Cloud, account: str, audience: str) -> str:
    accounts = "instance/service-accounts"
    status, body = metadata(cloud, f"{accounts}/{account}/identity?audience={quote(audience, safe='')}")
    assert status == 200
    return body.decode()


def bearer(text: str, header: str = "Authorization") -> dict[str, str]:
    return {header: f"Bearer {text}"}


def test_services_are_public_unless_asked_otherwise() -> None:
    """Without --invoker-iam every request passes, whatever token it brings."""
    cloud = shared()
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    assert get(state.uri)[0] == 200
    assert get(state.uri, bearer("nonsense"))[0] == 200
    assert "GCE_METADATA_HOST" not in cloud.environment


def test_new_service_is_private(cloud: Cloud) -> None:
    """A request without a token gets Google's 403 page, a row in the request log, and reaches no container."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    trace = a_trace()
    status, body = get(f"{state.uri}/log?<b>", parent(trace))
    assert status == 403
    assert b"<h2>Your client does not have permission to get URL <code>/log</code> from this server.</h2>" in body
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity) == (403, 400)
    assert entry.resource.labels["revision_name"] == short(state.latest_ready_revision)
    assert entry.text_payload == (
        "The request was not authenticated. Either allow unauthenticated invocations or set the proper Authorization "
        "header. Read more at https://cloud.google.com/run/docs/securing/authenticating Additional troubleshooting "
        "documentation can be found at: https://cloud.google.com/run/docs/troubleshooting#unauthorized-client"
    )
    assert "instanceId" not in entry.labels
    assert not cloud.entries(f'trace="projects/{PROJECT}/traces/{trace}" -log_id("run.googleapis.com/requests")')


def test_everybody_may_call_a_public_service(cloud: Cloud) -> None:
    """With allUsers among the invokers no token is needed; taking them out closes the door again."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    grant(cloud, state.name, "allUsers")
    assert get(state.uri)[0] == 200
    assert get(state.uri, bearer("nonsense"))[0] == 200
    grant(cloud, state.name)
    assert get(state.uri)[0] == 403


def test_check_can_be_taken_away(cloud: Cloud) -> None:
    """A service with invoker_iam_disabled is public without any policy."""
    wanted = service(unique(), cloud.push(GOOD))
    wanted.invoker_iam_disabled = True
    assert get(cloud.deploy(wanted).uri)[0] == 200


@pytest.mark.parametrize("header", ["Authorization", "X-Serverless-Authorization"])
def test_invoker_with_a_token_gets_through(cloud: Cloud, private: Any, header: str) -> None:
    """A valid ID token of an invoker opens the door; the container sees it without its signature."""
    sent = token(cloud, FRONT, private.uri)
    status, body = get(private.uri, bearer(sent, header))
    seen = json.loads(body)["headers"][header]
    assert status == 200
    assert seen == f"Bearer {sent.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"


def test_serverless_header_counts_alone(cloud: Cloud, private: Any) -> None:
    """With both headers only X-Serverless-Authorization is looked at, and the other one passes as it is."""
    good = token(cloud, FRONT, private.uri)
    own = bearer("the app's own")
    status, body = get(private.uri, own | bearer(good, "X-Serverless-Authorization"))
    assert (status, json.loads(body)["headers"]["Authorization"]) == (200, "Bearer the app's own")
    assert get(private.uri, bearer(good) | bearer("bad", "X-Serverless-Authorization"))[0] == 401


def test_stranger_is_turned_away(cloud: Cloud, private: Any) -> None:
    """A valid token of somebody who is no invoker gets 403, and the log says that it was not authorized."""
    trace = a_trace()
    assert get(private.uri, bearer(token(cloud, STRANGER, private.uri)) | parent(trace))[0] == 403
    assert request_entry(cloud, trace).text_payload.startswith(
        "The request was not authorized to invoke this service. Read more at"
    )


def test_all_authenticated_users(cloud: Cloud) -> None:
    """With allAuthenticatedUsers any valid token will do, and none will not."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    grant(cloud, state.name, "allAuthenticatedUsers")
    assert get(state.uri, bearer(token(cloud, STRANGER, state.uri)))[0] == 200
    assert get(state.uri)[0] == 403


def forged(text: str) -> str:
    """Return a token that says the same with another signature."""
    signed, _, signature = text.rpartition(".")
    return f"{signed}.{base64.urlsafe_b64encode(b'x' * 256).rstrip(b'=').decode()[: len(signature)]}"


def promoted(text: str) -> str:
    """Return a token that names somebody else under the old signature."""
    header, claims, signature = text.split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    told["email"] = FRONT
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize("kind", ["nonsense", "forged", "promoted", "audience", "stripped", "unsigned", "access"])
def test_token_that_cannot_be_trusted(cloud: Cloud, private: Any, kind: str) -> None:
    """A token that is forged, of another audience, without a signature, or an access token, gets Google's 401."""
    good = token(cloud, FRONT, private.uri)
    bad = {
        "nonsense": "nonsense",
        "forged": forged(good),
        "promoted": promoted(token(cloud, STRANGER, private.uri)),
        "audience": token(cloud, FRONT, "https://elsewhere.run.app"),
        "stripped": f"{good.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE",
        "unsigned": f"{good.rpartition('.')[0]}.",
        "access": json.loads(metadata(cloud, "instance/service-accounts/default/token")[1])["access_token"],
    }[kind]
    trace = a_trace()
    status, body = get(private.uri, bearer(bad) | parent(trace))
    assert status == 401
    assert b"Your client does not have permission to the requested URL <code>/</code>." in body
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity) == (401, 400)
    assert entry.text_payload.startswith(
        "The request was not authorized to invoke this service. The access token could not be verified."
    )


def test_audiences(cloud: Cloud) -> None:
    """A token is meant for the service's URL, also at a tag's, or for one of its custom audiences."""
    name = unique()
    wanted = service(name, cloud.push(GOOD), revision=f"{name}-one")
    wanted.custom_audiences = ["https://shop.example.com"]
    tagged = run_v2.TrafficTarget(
        type_=run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST, percent=100, tag="blue"
    )
    wanted.traffic = [tagged]
    state = cloud.deploy(wanted)
    grant(cloud, state.name, f"serviceAccount:{FRONT}")
    for audience in (state.uri, f"{state.uri}/", "https://shop.example.com"):
        for url in (state.uri, state.traffic_statuses[0].uri):
            assert get(url, bearer(token(cloud, FRONT, audience)))[0] == 200
    assert get(state.uri, bearer(token(cloud, FRONT, "https://shop.example.org")))[0] == 401


def test_containers_call_each_other_with_googles_own_library(cloud: Cloud, private: Any) -> None:
    """In a container google-auth finds its own account, its ID tokens verify and open the doors they should."""
    front = cloud.deploy(service(unique("front"), cloud.push(CALLER, "caller"), service_account=FRONT))
    other = cloud.deploy(service(unique("other"), cloud.push(CALLER, "caller"), service_account=STRANGER))
    for state in (front, other):
        grant(cloud, state.name, "allUsers")
    query = f"/?url={quote(private.uri, safe='')}"
    assert get(front.uri + query)[1].decode() == repr([200, FRONT, PROJECT, FRONT, True])
    assert get(other.uri + query)[1].decode() == repr([403, STRANGER, PROJECT, STRANGER, True])


def test_google_auth_outside(cloud: Cloud, private: Any) -> None:
    """With the variables that the emulator tells, google-auth outside gets the deployer's tokens."""
    code = (
        "import sys; from google.auth.transport.requests import Request; from google.oauth2 import id_token\n"
        "print(id_token.fetch_id_token(Request(), sys.argv[1]))"
    )
    env = {**os.environ, **cloud.environment}
    ended = subprocess.run(
        [sys.executable, "-c", code, private.uri], env=env, capture_output=True, text=True, check=True, timeout=20
    )
    deployer = metadata(cloud, "instance/service-accounts/default/email")[1].decode()
    grant(cloud, private.name, f"serviceAccount:{FRONT}", f"serviceAccount:{deployer}")
    assert get(private.uri, bearer(ended.stdout.strip()))[0] == 200


def test_instance_gets_no_tokens_but_its_own(cloud: Cloud) -> None:
    """A container's metadata server knows its own service account only, and refuses requests without the header."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD), service_account=STRANGER))
    grant(cloud, state.name, "allUsers")
    host = json.loads(get(state.uri)[1])["env"]["GCE_METADATA_HOST"]
    accounts = f"http://{host}/computeMetadata/v1/instance/service-accounts"
    flavor = {"Metadata-Flavor": "Google"}
    assert get(f"{accounts}/default/email", flavor) == (200, STRANGER.encode())
    assert get(f"{accounts}/{STRANGER}/token", flavor)[0] == 200
    assert get(f"{accounts}/{FRONT}/token", flavor)[0] == 404
    assert get(f"{accounts}/default/token", {"X": "1"})[0] == 403
    assert get(f"{accounts}/default/identity", flavor)[0] == 400


def test_conditions_are_not_emulated(cloud: Cloud, private: Any) -> None:
    """A binding with a condition is refused by name."""
    binding = policy_pb2.Binding(role="roles/run.invoker", members=["allUsers"], condition=expr_pb2.Expr(title="t"))
    with pytest.raises(exceptions.MethodNotImplemented, match=r"policy\.bindings\.condition is not emulated"):
        cloud.services.set_iam_policy({"resource": private.name, "policy": policy_pb2.Policy(bindings=[binding])})
    assert get(private.uri)[0] == 403
