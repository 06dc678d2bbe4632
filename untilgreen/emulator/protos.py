"""The messages of the emulated APIs, as plain protobuf classes: proto-plus wrappers cost ten times as much."""

from __future__ import annotations

from typing import Any

from google.api import distribution_pb2, metric_pb2
from google.cloud.logging_v2.types import log_entry, logging
from google.cloud.monitoring_v3.types import common as monitoring_common
from google.cloud.monitoring_v3.types import metric_service
from google.cloud.run_v2.types import (
    condition,
    k8s_min,
    revision,
    revision_template,
    service,
    traffic_target,
    vendor_settings,
)
from google.cloud.secretmanager_v1.types import resources as secret_resources
from google.cloud.secretmanager_v1.types import service as secret_service

CommonReason = condition.Condition.CommonReason
RevisionReason = condition.Condition.RevisionReason
ConditionState = condition.Condition.State
ConditionSeverity = condition.Condition.Severity
Allocation = traffic_target.TrafficTargetAllocationType
IngressTraffic = vendor_settings.IngressTraffic
VersionState = secret_resources.SecretVersion.State
Aligner = monitoring_common.Aggregation.Aligner
Reducer = monitoring_common.Aggregation.Reducer
TimeSeriesView = metric_service.ListTimeSeriesRequest.TimeSeriesView

Message = Any
"""A protobuf message: Google publishes no types for these classes."""

Condition: Message = condition.Condition.pb()
Container: Message = k8s_min.Container.pb()
Revision: Message = revision.Revision.pb()
RevisionTemplate: Message = revision_template.RevisionTemplate.pb()
Service: Message = service.Service.pb()
TrafficTarget: Message = traffic_target.TrafficTarget.pb()
TrafficTargetStatus: Message = traffic_target.TrafficTargetStatus.pb()

CreateServiceRequest: Message = service.CreateServiceRequest.pb()
UpdateServiceRequest: Message = service.UpdateServiceRequest.pb()
GetServiceRequest: Message = service.GetServiceRequest.pb()
ListServicesRequest: Message = service.ListServicesRequest.pb()
ListServicesResponse: Message = service.ListServicesResponse.pb()
DeleteServiceRequest: Message = service.DeleteServiceRequest.pb()
GetRevisionRequest: Message = revision.GetRevisionRequest.pb()
ListRevisionsRequest: Message = revision.ListRevisionsRequest.pb()
ListRevisionsResponse: Message = revision.ListRevisionsResponse.pb()

LogEntry: Message = log_entry.LogEntry.pb()
ListLogEntriesRequest: Message = logging.ListLogEntriesRequest.pb()
ListLogEntriesResponse: Message = logging.ListLogEntriesResponse.pb()
ListLogsRequest: Message = logging.ListLogsRequest.pb()
ListLogsResponse: Message = logging.ListLogsResponse.pb()
WriteLogEntriesRequest: Message = logging.WriteLogEntriesRequest.pb()
WriteLogEntriesResponse: Message = logging.WriteLogEntriesResponse.pb()
TailLogEntriesRequest: Message = logging.TailLogEntriesRequest.pb()
TailLogEntriesResponse: Message = logging.TailLogEntriesResponse.pb()

Distribution: Message = distribution_pb2.Distribution
MetricDescriptor: Message = metric_pb2.MetricDescriptor
ListTimeSeriesRequest: Message = metric_service.ListTimeSeriesRequest.pb()
ListTimeSeriesResponse: Message = metric_service.ListTimeSeriesResponse.pb()
GetMetricDescriptorRequest: Message = metric_service.GetMetricDescriptorRequest.pb()
ListMetricDescriptorsRequest: Message = metric_service.ListMetricDescriptorsRequest.pb()
ListMetricDescriptorsResponse: Message = metric_service.ListMetricDescriptorsResponse.pb()

Secret: Message = secret_resources.Secret.pb()
SecretVersion: Message = secret_resources.SecretVersion.pb()
CreateSecretRequest: Message = secret_service.CreateSecretRequest.pb()
GetSecretRequest: Message = secret_service.GetSecretRequest.pb()
ListSecretsRequest: Message = secret_service.ListSecretsRequest.pb()
ListSecretsResponse: Message = secret_service.ListSecretsResponse.pb()
AddSecretVersionRequest: Message = secret_service.AddSecretVersionRequest.pb()
GetSecretVersionRequest: Message = secret_service.GetSecretVersionRequest.pb()
ListSecretVersionsRequest: Message = secret_service.ListSecretVersionsRequest.pb()
ListSecretVersionsResponse: Message = secret_service.ListSecretVersionsResponse.pb()
DeleteSecretRequest: Message = secret_service.DeleteSecretRequest.pb()
AccessSecretVersionRequest: Message = secret_service.AccessSecretVersionRequest.pb()
AccessSecretVersionResponse: Message = secret_service.AccessSecretVersionResponse.pb()
EnableSecretVersionRequest: Message = secret_service.EnableSecretVersionRequest.pb()
DisableSecretVersionRequest: Message = secret_service.DisableSecretVersionRequest.pb()
DestroySecretVersionRequest: Message = secret_service.DestroySecretVersionRequest.pb()
