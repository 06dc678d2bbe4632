"""A really started emulator, Google's own clients, and tiny apps to deploy."""

from __future__ import annotations

import atexit
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import grpc
from google.api_core.operation import Operation
from google.cloud import run_v2
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.iam.v1 import policy_pb2
from google.longrunning import operations_pb2

PROJECT = "emulator-moon"
PARENT = f"projects/{PROJECT}/locations/moon-central1"
REGISTRY = "moon-docker.pkg.dev/emulator-moon/apps"
SPAN = "b" * 16
Allocation = run_v2.TrafficTargetAllocationType

GOOD = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/exit":
            os._exit(3)
        if path == "/slow":
            time.sleep(30)
        if path == "/log":
            trace = self.headers["traceparent"].split("-")[1]
            print(json.dumps({"severity": "error", "message": "broken on purpose", "n": 7,
                "logging.googleapis.com/trace": "projects/emulator-moon/traces/" + trace,
                "logging.googleapis.com/labels": {"test": "t1"}}))
            print("plain words", file=sys.stderr)
        if path == "/stream":
            return self.stream()
        self.answer(json.dumps({"env": dict(os.environ), "headers": dict(self.headers)}).encode())
    def stream(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(50):
            piece = b"x" * 20_000
            self.wfile.write(b"%x\\r\\n%b\\r\\n" % (len(piece), piece))
        self.wfile.write(b"0\\r\\n\\r\\n")
    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body, 201)
    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

print("started " + os.environ.get("VERSION", ""))
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
WORKER = """
import json, os, signal, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

held, sick = [], threading.Event()

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path in ("/eat", "/take"):
            held.append(bytearray(os.urandom(1024)) * 1024 * int(query))
        if path == "/feed-a-child":
            code = "import os, time; held = bytearray(os.urandom(1024)) * 1024 * %s; time.sleep(60)" % query
            subprocess.Popen([sys.executable, "-c", code])
        if path in ("/eat", "/feed-a-child", "/sleep"):
            time.sleep(float(query) if path == "/sleep" else 30)
        while path == "/hold" and not os.path.exists(query):
            time.sleep(0.02)
        if path == "/sicken":
            sick.set()
        if path == "/exit":
            os._exit(3)
        body = json.dumps({"env": dict(os.environ), "headers": dict(self.headers), "pid": os.getpid()}).encode()
        self.send_response(503 if path == "/health" and sick.is_set() else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True

def leave(*_):
    print("told to leave", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
Server(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
CRASH = "import sys; print('cannot find my settings', file=sys.stderr); sys.exit(3)"
DEAF = "import time; print('I listen nowhere'); time.sleep(600)"


@dataclass
class Cloud:
    """One running emulator."""

    process: subprocess.Popen[bytes]
    state: Path
    endpoint: str
    environment: dict[str, str]

    @cached_property
    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.endpoint)

    @cached_property
    def services(self) -> run_v2.ServicesClient:
        return run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=self.channel))

    @cached_property
    def revisions(self) -> run_v2.RevisionsClient:
        return run_v2.RevisionsClient(transport=RevisionsGrpcTransport(channel=self.channel))

    @cached_property
    def secrets(self) -> SecretManagerServiceClient:
        return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=self.channel))

    @cached_property
    def logging(self) -> LoggingServiceV2Client:
        return LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=self.channel))

    def push(self, app: str, name: str = "app") -> str:
        """Put an app into the registry and return its reference by digest."""
        digest = hashlib.sha256(app.encode()).hexdigest()
        folder = self.state / "registry" / REGISTRY / name / digest
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app.py").write_text(app)
        (folder / "Procfile").write_text("web: python app.py\n")
        return f"{REGISTRY}/{name}@sha256:{digest}"

    def deploy(self, service: run_v2.Service, **request: Any) -> run_v2.Service:
        """Create or update a service and return it when that is decided."""
        ended = self.settled(self.begin(service, **request))
        if ended.error.code:
            raise DeployFailed(ended.error.code, ended.error.message)
        return self.services.get_service(name=service.name)

    def begin(self, service: run_v2.Service, **request: Any) -> Operation:
        return self.services.update_service(run_v2.UpdateServiceRequest(service=service, allow_missing=True, **request))

    def settled(self, operation: Operation) -> operations_pb2.Operation:
        """Wait for an operation, ended well or not."""
        wait = operations_pb2.WaitOperationRequest(name=operation.operation.name)
        wait.timeout.FromSeconds(30)
        call = self.channel.unary_unary(
            "/google.longrunning.Operations/WaitOperation",
            request_serializer=operations_pb2.WaitOperationRequest.SerializeToString,
            response_deserializer=operations_pb2.Operation.FromString,
        )
        return call(wait)

    def entries(self, query: str, **request: Any) -> list[Any]:
        return list(
            self.logging.list_log_entries({"resource_names": [f"projects/{PROJECT}"], "filter": query, **request})
        )

    def eventually(self, query: str, count: int = 1) -> list[Any]:
        """Return the entries of a filter once there are so many: what a process writes takes its way through a pipe."""
        for _ in range(100):
            found = self.entries(query)
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"only {len(found)} entries for {query}")


class DeployFailed(Exception):
    """A rollout ended with an error."""


def start(state: Path, *arguments: str) -> Cloud:
    process = subprocess.Popen(
        [sys.executable, "-m", "untilgreen.emulator", "--state", str(state), *arguments], stdout=subprocess.PIPE
    )
    ready = json.loads(process.stdout.readline() if process.stdout else b"")
    return Cloud(process, state, ready["endpoint"], ready["environment"])


def stop(cloud: Cloud) -> int:
    cloud.process.terminate()
    code = cloud.process.wait(timeout=10)
    if cloud.process.stdout:
        cloud.process.stdout.close()
    return code


@cache
def shared(*arguments: str) -> Cloud:
    """Return the emulator that all tests of this process share; each test takes a service name of its own.

    Args:
        arguments: how it is started; for each set of them there is one.
    """
    folder = tempfile.TemporaryDirectory(prefix="emulator-")
    cloud = start(Path(folder.name), "--with-parent", *arguments)

    def end() -> None:
        stop(cloud)
        folder.cleanup()

    atexit.register(end)
    return cloud


def unique(prefix: str = "svc") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def service(name: str, image: str, **template: Any) -> run_v2.Service:
    """Return a service with one container.

    Args:
        name: short.
        image: its reference.
        template: fields of the template, or `env`, `probe`, `liveness`, `limits` and `traffic`.
    """
    container = run_v2.Container(image=image, env=template.pop("env", []))
    if "probe" in template:
        container.startup_probe = template.pop("probe")
    if "liveness" in template:
        container.liveness_probe = template.pop("liveness")
    if "limits" in template:
        container.resources.limits = template.pop("limits")
    traffic = template.pop("traffic", [])
    return run_v2.Service(
        name=f"{PARENT}/services/{name}",
        template=run_v2.RevisionTemplate(containers=[container], **template),
        traffic=traffic,
    )


def secret_env(name: str, secret: str, version: str = "latest") -> run_v2.EnvVar:
    selector = run_v2.SecretKeySelector(secret=secret, version=version)
    return run_v2.EnvVar(name=name, value_source=run_v2.EnvVarSource(secret_key_ref=selector))


def short(name: str) -> str:
    return name.rpartition("/")[2]


def get(url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def grant(cloud: Cloud, resource: str, *members: str) -> None:
    """Let exactly these members call a service."""
    binding = policy_pb2.Binding(role="roles/run.invoker", members=members)
    cloud.services.set_iam_policy({"resource": resource, "policy": policy_pb2.Policy(bindings=[binding])})


def running(revision: str) -> int:
    """Return how many processes of a revision run."""
    count = 0
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            count += f"K_REVISION={revision}\0".encode() in process.read_bytes()
        except OSError:
            continue
    return count


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in the emulator's background."""
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never happened")


def a_trace() -> str:
    return unique("").strip("-").ljust(32, "0")


def parent(trace: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{SPAN}-01"}


def request_entry(cloud: Cloud, trace: str) -> Any:
    (entry,) = cloud.eventually(f'log_id("run.googleapis.com/requests") trace="projects/{PROJECT}/traces/{trace}"')
    return entry
