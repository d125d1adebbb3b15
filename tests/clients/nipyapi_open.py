"""nipyapi, as released, against an open registry: nipyapi_open.py URL NAR

Every helper of nipyapi that needs a registry only, then every operation that its generated client offers. Runs with the 0.x
and the 1.x releases: where they name an operation differently both names are given.
"""

import hashlib
import json
import pathlib
import sys
import tempfile

import nipyapi
from nipyapi import registry, security, system, utils, versioning
from nipyapi_refused import refused

url, nar = sys.argv[1:]


def either(api, *names):
    """The operation under the name that this release has for it."""
    return next(getattr(api, name) for name in names if hasattr(api, name))


# The helpers.
assert utils.is_endpoint_up(url.replace("-api", ""))
utils.set_endpoint(url)
assert str(system.get_registry_version_info()).startswith("0.8"), system.get_registry_version_info()
assert utils.check_version("0.6.0", service="registry") == -1

bucket = versioning.create_registry_bucket("first bucket")
assert "already exists" in refused(409, versioning.create_registry_bucket, "first bucket")
if hasattr(versioning, "ensure_registry_bucket"):
    assert versioning.ensure_registry_bucket("first bucket").identifier == bucket.identifier
    assert versioning.ensure_registry_bucket("other bucket").name == "other bucket"
else:
    versioning.create_registry_bucket("other bucket")
assert [found.name for found in versioning.list_registry_buckets()] == ["first bucket", "other bucket"]
assert versioning.get_registry_bucket("first bucket").identifier == bucket.identifier
assert versioning.get_registry_bucket(bucket.identifier, "id").name == "first bucket"
assert versioning.get_registry_bucket("nowhere") is None

flow = versioning.create_flow(bucket.identifier, "ingest", "what comes in")
assert (flow.version_count, flow.bucket_name, flow.type) == (0, "first bucket", "Flow")
assert "already exists" in refused(409, versioning.create_flow, bucket.identifier, "ingest")
assert versioning.get_flow_in_bucket(bucket.identifier, "ingest").identifier == flow.identifier
assert versioning.get_flow_in_bucket(bucket.identifier, flow.identifier, "id").name == "ingest"

contents = {
    "identifier": "G", "name": "ingest", "comments": "", "position": {"x": 0.0, "y": 0.0}, "variables": {},
    "processors": [{
        "identifier": "P", "name": "Gen", "type": "x.Generate", "bundle": {"group": "x", "artifact": "x-nar", "version": "1"},
        "properties": {"File Size": "1 KB"}, "propertyDescriptors": {}, "style": {}, "schedulingPeriod": "0 sec",
        "schedulingStrategy": "TIMER_DRIVEN", "executionNode": "ALL", "penaltyDuration": "30 sec",
        "yieldDuration": "1 sec", "bulletinLevel": "WARN", "runDurationMillis": 0, "concurrentlySchedulableTaskCount": 1,
        "autoTerminatedRelationships": ["success"], "scheduledState": "ENABLED", "componentType": "PROCESSOR",
        "groupIdentifier": "G", "position": {"x": 8.0, "y": 8.0},
    }],
    "processGroups": [], "remoteProcessGroups": [], "connections": [], "labels": [], "funnels": [],
    "inputPorts": [], "outputPorts": [], "controllerServices": [], "componentType": "PROCESS_GROUP",
}
raw = registry.BucketFlowsApi()


def snapshot(comments, group):
    """A version to be saved. The models of both releases turn it into the JSON that NiFi sends."""
    metadata = registry.VersionedFlowSnapshotMetadata(
        bucket_identifier=bucket.identifier, flow_identifier=flow.identifier, version=-1, comments=comments
    )
    return registry.VersionedFlowSnapshot(flow_contents=group, snapshot_metadata=metadata)


here = {"bucket_id": bucket.identifier, "flow_id": flow.identifier}
saved = raw.create_flow_version(body=snapshot("first", contents), **here)
assert (saved.snapshot_metadata.version, saved.snapshot_metadata.author) == (1, "anonymous")
contents["processors"][0]["name"] = "Gen2"
contents["processors"][0]["properties"] = {"File Size": "#{size}"}
assert raw.create_flow_version(body=snapshot("second", contents), **here).snapshot_metadata.version == 2
assert [one.version for one in versioning.list_flow_versions(bucket.identifier, flow.identifier)] == [2, 1]
assert versioning.get_latest_flow_ver(bucket.identifier, flow.identifier).snapshot_metadata.comments == "second"
assert versioning.get_flow_version(bucket.identifier, flow.identifier, "1").flow_contents.processors[0].name == "Gen"

with tempfile.TemporaryDirectory() as folder:
    for mode in ("json", "yaml"):
        path = str(pathlib.Path(folder) / f"flow.{mode}")
        versioning.export_flow_version(bucket.identifier, flow.identifier, file_path=path, mode=mode)
        made = versioning.import_flow_version(bucket.identifier, file_path=path, flow_name=f"from {mode}")
        assert made.flow_contents.processors[0].properties == {"File Size": "#{size}"}, made
    text = versioning.export_flow_version(bucket.identifier, flow.identifier)
    again = versioning.import_flow_version(bucket.identifier, encoded_flow=text, flow_id=flow.identifier)
    assert again.snapshot_metadata.version == 3
current = raw.get_flow(bucket.identifier, flow.identifier)
copied = versioning.create_flow_version(current, versioning.get_flow_version(bucket.identifier, flow.identifier))
assert copied.snapshot_metadata.version == 4
assert len(versioning.list_flows_in_bucket(bucket.identifier)) == 3

# What helpers do with users on a server that does not manage them.
assert "not configured" in refused(409, security.create_service_user, "alice", service="registry")
assert "not configured" in refused(409, security.create_service_user_group, "team", service="registry")
assert "not configured" in refused(409, registry.TenantsApi().get_users)
assert "not configured" in refused(409, registry.PoliciesApi().get_access_policies)
assert {one.resource if hasattr(one, "resource") else one.identifier for one in registry.PoliciesApi().get_resources()} >= {"/buckets"}

# The operations of buckets, flows and items.
buckets, flows, items = registry.BucketsApi(), registry.FlowsApi(), registry.ItemsApi()
assert buckets.get_available_bucket_fields().fields == ["ID", "NAME", "DESCRIPTION", "CREATED"]
assert flows.get_available_flow_fields().fields[-1] == "BUCKET_ID"
assert items.get_available_bucket_item_fields().fields[-1] == "BUCKET_ID"
got = buckets.get_bucket(bucket.identifier)
got.description = "changed"
assert buckets.update_bucket(body=got, bucket_id=bucket.identifier).description == "changed"
got = raw.get_flow(bucket.identifier, flow.identifier)
got.description = "changed too"
assert raw.update_flow(body=got, bucket_id=bucket.identifier, flow_id=flow.identifier).description == "changed too"
difference = raw.get_flow_diff(bucket.identifier, flow.identifier, "2", "1")
kinds = {one.difference_type for group in difference.component_difference_groups for one in group.differences}
assert kinds == {"NAME_CHANGED", "PROPERTY_PARAMETERIZED"}, difference
assert raw.get_flow_version(version_number="1", **here).snapshot_metadata.comments == "first"
assert raw.get_latest_flow_version(bucket.identifier, flow.identifier).snapshot_metadata.version == 4
assert raw.get_latest_flow_version_metadata(bucket.identifier, flow.identifier).version == 4
assert len(raw.get_flow_versions(bucket.identifier, flow.identifier)) == 4
assert either(flows, "get_flow1", "global_get_flow")(flow.identifier).name == "ingest"
assert len(either(flows, "get_flow_versions1", "global_get_flow_versions")(flow.identifier)) == 4
assert either(flows, "get_flow_version1", "global_get_flow_version")(flow_id=flow.identifier, version_number="2").snapshot_metadata.version == 2
latest = either(flows, "get_latest_flow_version1", "global_get_latest_flow_version")
assert latest(flow.identifier).snapshot_metadata.version == 4
latest = either(flows, "get_latest_flow_version_metadata1", "global_get_latest_flow_version_metadata")
assert latest(flow.identifier).version == 4
assert len(items.get_items()) == 3
assert len(either(items, "get_items1", "get_items_in_bucket")(bucket.identifier)) == 3
# What is exported lacks identifiers, which the models of the client insist on.
exported = raw.export_versioned_flow(version_number="1", _preload_content=False, **here)
assert b"bucketIdentifier" not in exported.data and b"Gen" in exported.data

# Bundles and extensions.
data = pathlib.Path(nar).read_bytes()
digest = hashlib.sha256(data).hexdigest()
bucket_bundles, bundles, extensions = registry.BucketBundlesApi(), registry.BundlesApi(), registry.ExtensionsApi()
old = hasattr(bundles, "global_get_extension_bundle")
uploaded = bucket_bundles.create_extension_bundle_version(
    bucket.identifier, "nifi-nar", file=nar if old else ("x.nar", data), sha256=digest.upper()
)
metadata = uploaded.version_metadata
assert (metadata.sha256, metadata.sha256_supplied) == (digest, True), uploaded
one, version = metadata.bundle_id, metadata.version
# The newer release has one model for two things of this name, and reads no bundle with it.
assert len(bucket_bundles.get_extension_bundles(bucket.identifier)) == 1
where = ("first bucket", "org.apache.nifi", "nifi-foo-nar")
found = bundles.get_bundles(bucket_name=where[0], group_id="%", artifact_id=where[2])
assert len(found) == 1 and (not old or (found[0].identifier, found[0].bundle_type) == (one, "NIFI_NAR")), found
every = bundles.get_bundle_versions if old else bundles.get_bundle_versions1
assert every(group_id=where[1])[0].version == version
assert either(bundles, "get_bundle", "global_get_extension_bundle")(one) is not None
assert len((bundles.global_get_bundle_versions if old else bundles.get_bundle_versions)(one)) == 1
got = either(bundles, "get_bundle_version", "global_get_bundle_version")(one, version)
assert got.version_metadata.content_size == len(data)
content = either(bundles, "get_bundle_version_content", "global_get_bundle_version_content")
response = content(one, version, _preload_content=False)
assert response.data == data
listed = either(bundles, "get_bundle_version_extensions", "global_get_bundle_version_extensions")(one, version)
assert listed, "the archive has extensions"
name = listed[0].name
assert either(bundles, "get_bundle_version_extension", "global_get_bundle_version_extension")(one, version, name).name == name
page = bundles.get_bundle_version_extension_docs(one, version, name, _preload_content=False)
assert page.data.startswith(b"<!DOCTYPE html>")
refused(409, bundles.get_bundle_version_extension_additional_details_docs, one, version, name, _preload_content=False)
found = extensions.get_extensions(bundle_type="nifi-nar")
assert found.num_results == len(listed), found
extensions.get_tags()
refused(400, extensions.get_extensions_providing_service_api, "", "", "", "")
empty = extensions.get_extensions_providing_service_api("x.Y", "g", "a", "1")
assert empty.num_results == 0

hierarchy = registry.ExtensionRepositoryApi()
assert "first bucket" in [each.bucket_name for each in hierarchy.get_extension_repo_buckets()]
assert [each.group_id for each in hierarchy.get_extension_repo_groups(where[0])] == [where[1]]
assert [each.artifact_id for each in hierarchy.get_extension_repo_artifacts(*where[:2])] == [where[2]]
assert [each.version for each in hierarchy.get_extension_repo_versions(*where)] == [version]
# The older release takes a yes or no for a link and cannot read it.
repo = hierarchy.get_extension_repo_version(*where, version, _preload_content=False)
assert json.loads(repo.data)["downloadLink"]["href"].endswith("/content")
assert hierarchy.get_extension_repo_version_content(*where, version, _preload_content=False).data == data
# The newer release forgets what it reads here.
assert hierarchy.get_extension_repo_version_sha256(*where, version, _preload_content=False).data == digest.encode()
assert hierarchy.get_global_extension_repo_version_sha256(*where[1:], version, _preload_content=False).data == digest.encode()
assert len(hierarchy.get_extension_repo_version_extensions(*where, version)) == len(listed)
assert hierarchy.get_extension_repo_version_extension(*where, version, name).name == name
assert hierarchy.get_extension_repo_version_extension_docs(*where, version, name, _preload_content=False).data
refused(409, hierarchy.get_extension_repo_version_extension_additional_details_docs, *where, version, name, _preload_content=False)

either(bundles, "delete_bundle_version", "global_delete_bundle_version")(one, version)
either(bundles, "delete_bundle", "global_delete_extension_bundle")(one)
refused(404, either(bundles, "get_bundle", "global_get_extension_bundle"), one)

# Signing in where nobody has to.
access = registry.AccessApi()
status = access.get_access_status()
assert (status.identity, status.anonymous) == ("anonymous", True)
for call in (
    access.create_access_token_by_trying_all_providers,
    access.create_access_token_using_basic_auth_credentials,
    access.create_access_token_using_identity_provider_credentials,
    access.create_access_token_using_kerberos_ticket,
    access.get_identity_provider_usage_instructions,
    access.test_identity_provider_recognizes_credentials_format,
    access.logout,
    access.oidc_exchange,
    access.oidc_request,
):
    refused(409, call)
assert registry.ConfigApi().get_configuration() is not None

# The end of everything.
assert raw.delete_flow(version="0", **here).identifier == flow.identifier
versioning.delete_registry_bucket(bucket)
assert [left.name for left in versioning.list_registry_buckets()] == ["other bucket"]
refused(404, buckets.get_bucket, bucket.identifier)
print("all of it works")
