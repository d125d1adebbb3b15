"""The same requests to the original registry and to ours: reference.py ORIGINAL OURS FLOWS NARS

Answers are compared after identifiers, times and addresses have been replaced by what they stand for. Where the contract
decides otherwise than the original, the step says so with `ours=`, and its own expectation is checked instead.
"""

import json
import pathlib
import re
import sys
import urllib.error
import urllib.request

ORIGINAL, OURS, FLOWS, NARS = sys.argv[1:]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
failures = []
steps = 0


class Side:
    """One server, with what was learned from it."""

    def __init__(self, base):
        self.base = base
        self.known = {}
        self.named = {}

    def ask(self, method, path, body=None, headers=None):
        url = self.base + path.format(**self.named)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(self.fill(body)).encode()
        heads = {"Accept": "*/*", **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        request = urllib.request.Request(url, data=data, method=method, headers=heads)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        kind = (answer.headers.get("Content-Type") or "").split(";")[0]
        return answer.status, kind, answer.read(), answer.headers

    def fill(self, body):
        text = json.dumps(body)
        for name, value in self.named.items():
            text = text.replace("{" + name + "}", value)
        return json.loads(text)

    def plain(self, text):
        text = text.replace(self.base, "BASE")
        return UUID.sub(lambda found: self.known.setdefault(found.group(), f"id-{len(self.known)}"), text)

    def normal(self, value, name=None):
        if isinstance(value, dict):
            return {key: self.normal(item, key) for key, item in sorted(value.items())}
        if isinstance(value, list):
            return [self.normal(item, name) for item in value]
        if isinstance(value, str):
            return self.plain(value)
        if isinstance(value, int) and value > 1_400_000_000_000:
            return "TIME"
        return value


sides = [Side(ORIGINAL), Side(OURS)]


SPELLINGS = {"tags": "tag", "properties": "property", "relationships": "relationship", "seeAlso": "see", "scopes": "scope",
             "writesAttributes": "writesAttribute", "readsAttributes": "readsAttribute", "restrictions": "restriction",
             "allowableValues": "allowableValue", "dynamicProperties": "dynamicProperty", "alternatives": "alternative"}


def spelled(value):
    """Lists of extensions by one name, of which the original writes one and ours both; no texts without characters."""
    if isinstance(value, dict):
        return {SPELLINGS.get(name, name) if isinstance(item, list) else name: spelled(item) for name, item in value.items() if item != ""}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return value


def shown(side, answer, sort, ignore=()):
    status, kind, body, _ = answer
    if kind == "application/json":
        value = side.normal(spelled(without(json.loads(body), ignore)))
        if sort and isinstance(value, list):
            value = sorted(value, key=lambda item: json.dumps(item, sort_keys=True))
        return status, kind, value
    if kind == "application/octet-stream" or kind == "text/html":
        return status, kind, len(body) if kind != "text/html" else None
    return status, kind, side.plain(body.decode(errors="replace"))


def without(value, members):
    if isinstance(value, dict):
        return {key: without(item, members) for key, item in value.items() if key not in members}
    if isinstance(value, list):
        return [without(item, members) for item in value]
    return value


def between(theirs, own, path=""):
    """Where two values differ."""
    if isinstance(theirs, dict) and isinstance(own, dict):
        for name in sorted(theirs.keys() | own.keys()):
            yield from between(theirs.get(name, "nothing"), own.get(name, "nothing"), f"{path}/{name}")
    elif isinstance(theirs, list) and isinstance(own, list) and len(theirs) == len(own):
        for index, (one, other) in enumerate(zip(theirs, own)):
            yield from between(one, other, f"{path}/{index}")
    elif theirs != own:
        yield f"   {path}: original {json.dumps(theirs)[:300]}, ours {json.dumps(own)[:300]}"


def step(method, path, body=None, learn=None, ours=None, sort=False, ignore=(), status_only=False, headers=None):
    """One request to both. `learn` names members of the answer for later steps."""
    global steps
    steps += 1
    answers = [side.ask(method, path, body, headers) for side in sides]
    for name, member in (learn or {}).items():
        for side, answer in zip(sides, answers):
            value = json.loads(answer[2])
            for part in member.split("."):
                value = value[int(part)] if part.isdigit() else value[part]
            side.named[name] = str(value)
    theirs, own = (shown(side, answer, sort, ignore) for side, answer in zip(sides, answers))
    if ours is not None:
        if own[0] != ours:
            failures.append(f"{method} {path}: the contract wants {ours}, ours answers {own}")
        return
    if status_only:
        theirs, own = theirs[:2], own[:2]
    if theirs != own:
        failures.append(f"{method} {path}\n" + "\n".join(list(between(list(theirs), list(own)))[:20]))


# Access and lists of names.
for path in ("/access", "/config", "/buckets/fields", "/flows/fields", "/items/fields", "/buckets", "/items", "/bundles", "/extensions",
             "/extensions/tags", "/bundles/versions", "/extension-repository", "/policies/resources"):
    # Ours leaves out the filters that were not given.
    step("GET", path, ignore=("filterParams",))
for path in ("/tenants/users", "/tenants/user-groups", "/policies", "/policies/read/buckets", "/tenants/users/x", "/policies/x"):
    step("GET", path)
step("POST", "/access/token/login", b"")
step("POST", "/access/token", b"")
step("POST", "/access/token/kerberos", b"")
step("POST", "/access/token/identity-provider", b"")
step("POST", "/access/token/identity-provider/test", b"")
step("GET", "/access/token/identity-provider/usage", status_only=True)
step("DELETE", "/access/logout")
step("GET", "/access/oidc/request", status_only=True)

# Buckets.
step("POST", "/buckets", {"name": "ops", "description": "first"}, learn={"b": "identifier"})
step("POST", "/buckets", {"name": "ops"})
step("POST", "/buckets", {"name": "  "})
step("POST", "/buckets", {})
step("POST", "/buckets", {"identifier": "x", "name": "with id"})
step("POST", "/buckets", b"{not json", status_only=True)
step("POST", "/buckets", {"name": "My Bucket", "allowPublicRead": True, "allowBundleRedeploy": True}, learn={"b2": "identifier"})
step("GET", "/buckets", sort=True)
step("GET", "/buckets/{b}")
step("GET", "/buckets/nowhere")
step("PUT", "/buckets/{b}", {"identifier": "{b}", "description": "changed"})
step("PUT", "/buckets/{b}", {"identifier": "other", "name": "x"})
step("PUT", "/buckets/{b}", {"name": " "})
step("PUT", "/buckets/{b}", {"name": "My Bucket"})
step("PUT", "/buckets/nowhere", {"name": "x"})
step("PUT", "/buckets/{b}", {"allowPublicRead": False, "unknown": 1})
step("DELETE", "/buckets/nowhere")
step("PATCH", "/buckets", {}, status_only=True)
step("GET", "/nowhere", status_only=True)
step("GET", "/policies/resources")
step("POST", "/buckets", b"<x/>", headers={"Content-Type": "text/xml"}, ours=415)

# Flows.
step("POST", "/buckets/{b}/flows", {"name": "ingest", "bucketIdentifier": "{b}", "type": "Flow"}, learn={"f": "identifier"})
step("POST", "/buckets/{b}/flows", {"name": "ingest"})
step("POST", "/buckets/{b2}/flows", {"name": "ingest"}, learn={"f2": "identifier"})
step("POST", "/buckets/{b}/flows", {"name": ""})
step("POST", "/buckets/{b}/flows", {"name": "x", "bucketIdentifier": "other"})
step("POST", "/buckets/nowhere/flows", {"name": "x"})
step("POST", "/buckets/{b}/flows", {"identifier": "{f}", "name": "again"}, ours=409)
step("GET", "/buckets/{b}/flows", sort=True)
step("GET", "/buckets/{b}/flows/{f}")
step("GET", "/buckets/{b}/flows/nowhere")
step("GET", "/buckets/{b2}/flows/{f}")
step("GET", "/buckets/nowhere/flows/{f}")
step("GET", "/flows/{f}")
step("GET", "/flows/nowhere")
step("PUT", "/buckets/{b}/flows/{f}", {"description": "d"})
step("PUT", "/buckets/{b}/flows/{f}", {"name": " "}, status_only=True)
step("PUT", "/buckets/{b}/flows/{f}", {"identifier": "other", "name": "x"})
for end in ("/versions", "/versions/latest", "/versions/latest/metadata", "/versions/1"):
    step("GET", "/buckets/{b}/flows/{f}" + end)
    step("GET", "/flows/{f}" + end, status_only=end == "/versions/1")
step("GET", "/buckets/{b}/flows/{f}/versions/abc", status_only=True)


# What is in a version: ours keeps what the original loses, and shows more of the flow and the bucket.
CONTENTS = ("flowContents", "latest", "parameterContexts", "externalControllerServices", "flowEncodingVersion", "revision")


# Versions.
def group(**more):
    return {"identifier": "G", "name": "g", "processGroups": [], "remoteProcessGroups": [], "processors": [], "inputPorts": [],
            "outputPorts": [], "connections": [], "labels": [], "funnels": [], "controllerServices": [], "variables": {},
            "componentType": "PROCESS_GROUP", **more}


def save(contents, version=-1, flow="{f}", **more):
    body = {"snapshotMetadata": {"version": version, "comments": "c"}, "flowContents": contents, **more}
    step("POST", f"/buckets/{{b}}/flows/{flow}/versions", body, ignore=CONTENTS, status_only=version < -1)


ends = {"id": "A", "groupId": "G", "type": "PROCESSOR", "name": "A", "comments": ""}
processor = {"identifier": "P", "name": "Gen", "type": "x.Generate", "bundle": {"group": "x", "artifact": "x-nar", "version": "1"},
             "groupIdentifier": "G", "position": {"x": 0.0, "y": 0.0}, "properties": {"a": "1", "b": "#{p}", "c": "3", "d": "4", "e": "#{p}"},
             "propertyDescriptors": {"a": {"name": "a", "displayName": "The A", "identifiesControllerService": False, "sensitive": False}},
             "style": {}, "annotationData": None, "schedulingPeriod": "0 sec", "schedulingStrategy": "TIMER_DRIVEN", "executionNode": "ALL",
             "penaltyDuration": "30 sec", "yieldDuration": "1 sec", "bulletinLevel": "WARN", "runDurationMillis": 0,
             "concurrentlySchedulableTaskCount": 1, "autoTerminatedRelationships": ["success"], "scheduledState": "ENABLED",
             "comments": "", "componentType": "PROCESSOR"}
connection = {"identifier": "C", "name": "", "source": {**ends, "id": "P"}, "destination": {**ends, "id": "Q"}, "labelIndex": 1, "zIndex": 0,
              "selectedRelationships": ["success"], "backPressureObjectThreshold": 10000, "backPressureDataSizeThreshold": "1 GB",
              "flowFileExpiration": "0 sec", "prioritizers": [], "bends": [], "loadBalanceStrategy": "DO_NOT_LOAD_BALANCE",
              "partitioningAttribute": "", "loadBalanceCompression": "DO_NOT_COMPRESS", "groupIdentifier": "G", "componentType": "CONNECTION"}
port = {"identifier": "I", "name": "in", "type": "INPUT_PORT", "concurrentlySchedulableTaskCount": 1, "allowRemoteAccess": True,
        "scheduledState": "ENABLED", "groupIdentifier": "G", "componentType": "INPUT_PORT", "position": {"x": 1.0, "y": 1.0}}
label = {"identifier": "L", "label": "text", "zIndex": 0, "width": 10.0, "height": 20.0, "style": {"font-size": "12px"}, "groupIdentifier": "G",
         "componentType": "LABEL", "position": {"x": 1.0, "y": 1.0}}
service = {"identifier": "S", "name": "svc", "type": "x.Service", "bundle": {"group": "x", "artifact": "x-nar", "version": "1"},
           "properties": {}, "propertyDescriptors": {}, "controllerServiceApis": [], "groupIdentifier": "G", "componentType": "CONTROLLER_SERVICE"}
funnel = {"identifier": "F", "position": {"x": 1.0, "y": 1.0}, "groupIdentifier": "G", "componentType": "FUNNEL"}
remote_port = {"identifier": "RP", "remoteGroupId": "R", "name": "rp", "concurrentlySchedulableTaskCount": 1, "useCompression": False,
               "batchSize": {"count": 1, "size": "1 KB", "duration": "1 sec"}, "componentType": "REMOTE_INPUT_PORT", "targetId": "T",
               "groupIdentifier": "R"}
remote = {"identifier": "R", "name": "remote", "targetUri": "http://a", "targetUris": "http://a", "communicationsTimeout": "30 sec",
          "yieldDuration": "10 sec", "transportProtocol": "RAW", "localNetworkInterface": "", "proxyHost": "", "proxyUser": "",
          "inputPorts": [remote_port], "outputPorts": [], "groupIdentifier": "G", "componentType": "REMOTE_PROCESS_GROUP"}
inner = group(identifier="N", name="nested", groupIdentifier="G", processors=[{**processor, "identifier": "NP", "groupIdentifier": "N"}])

first = group(processors=[processor], connections=[connection], inputPorts=[port], labels=[label], controllerServices=[service], funnels=[funnel],
              remoteProcessGroups=[remote], processGroups=[inner])
save(first, version=2)
save(first, version=0)
save(first, version=-3)
step("POST", "/buckets/{b}/flows/{f}/versions", {"snapshotMetadata": {"version": 1}})
step("POST", "/buckets/{b}/flows/{f}/versions", {"flowContents": first})
step("POST", "/buckets/{b}/flows/{f}/versions", {"snapshotMetadata": {"version": 1, "flowIdentifier": "other"}, "flowContents": first})
step("POST", "/buckets/{b}/flows/{f}/versions", {"snapshotMetadata": {"version": 1, "bucketIdentifier": "other"}, "flowContents": first})
step("POST", "/buckets/{b}/flows/nowhere/versions", {"snapshotMetadata": {"version": 1}, "flowContents": first})
step("POST", "/buckets/nowhere/flows/{f}/versions", {"snapshotMetadata": {"version": 1}, "flowContents": first})
step("POST", "/buckets/{b2}/flows/{f}/versions", {"snapshotMetadata": {"version": 1}, "flowContents": first})
save(first, version=1, parameterContexts={}, flowEncodingVersion="1.0")
save(first, version=1)
save(first, version=9)


def changed(component, **members):
    return {**component, **members}


seconds = [
    group(processors=[changed(processor, name="Gen2", position={"x": 8.0, "y": 0.5}, comments="why", properties={"a": "2", "b": "plain", "c": "#{q}", "f": "6", "e": "#{r}"},
                              penaltyDuration="1 sec", yieldDuration="2 sec", bulletinLevel="INFO", autoTerminatedRelationships=["failure", "success"],
                              schedulingStrategy="CRON_DRIVEN", concurrentlySchedulableTaskCount=3, schedulingPeriod="1 sec", scheduledState="DISABLED",
                              executionNode="PRIMARY", runDurationMillis=25, annotationData="x", style={"background-color": "#fff"},
                              bundle={"group": "x", "artifact": "x-nar", "version": "2"})]),
    group(processors=[processor, changed(processor, identifier="Q", name="second")], connections=[
        changed(connection, source={**ends, "id": "Q"}, selectedRelationships=["success", "failure"], backPressureObjectThreshold=5,
                backPressureDataSizeThreshold="2 GB", flowFileExpiration="5 sec", prioritizers=["a.B", "c.D"], bends=[{"x": 1.0, "y": 2.0}],
                loadBalanceStrategy="ROUND_ROBIN", partitioningAttribute="attr", loadBalanceCompression="COMPRESS_ATTRIBUTES_ONLY", name="named")],
        inputPorts=[changed(port, concurrentlySchedulableTaskCount=2, scheduledState="DISABLED", comments="x")],
        labels=[changed(label, label="other", width=11.0, height=21.0, style={"font-size": "13px"})],
        controllerServices=[changed(service, name="svc2", properties={"n": None, "v": "1"}, annotationData="y")],
        funnels=[changed(funnel, position={"x": 2.0, "y": 1.0})],
        remoteProcessGroups=[changed(remote, communicationsTimeout="1 sec", transportProtocol="HTTP", proxyHost="h", proxyPort=1, proxyUser="u",
                                     localNetworkInterface="eth0", yieldDuration="1 sec", name="renamed", comments="y",
                                     inputPorts=[changed(remote_port, useCompression=True, concurrentlySchedulableTaskCount=9)])],
        processGroups=[changed(inner, name="nested2", flowFileConcurrency="SINGLE_FLOWFILE_PER_NODE", flowFileOutboundPolicy="BATCH_OUTPUT",
                               processors=[{**processor, "identifier": "NP", "groupIdentifier": "N", "name": "in nested"}])]),
    group(comments="of the root", name="other root"),
    group(processGroups=[changed(inner, versionedFlowCoordinates={"registryUrl": "http://r", "bucketId": "b", "flowId": "f", "version": 1, "latest": True})]),
    group(processGroups=[changed(inner, processors=[], versionedFlowCoordinates={"registryUrl": "http://r", "bucketId": "b", "flowId": "f", "version": 2, "latest": True})]),
    group(processGroups=[changed(inner, name="x", processors=[], versionedFlowCoordinates={"registryUrl": "http://s", "bucketId": "b", "flowId": "f", "version": 2, "latest": True})]),
    first,
]
for second in seconds:
    save(second)


def plain(text):
    """A value without what depends on chance: addresses of objects, the order of sets."""
    text = re.sub(r"[\w.]+@[0-9a-f]+", "OBJECT", str(text))
    return re.sub(r"\[([\w, ]+)\]", lambda found: "[" + ", ".join(sorted(found[1].split(", "))) + "]", text)


def differences(path):
    """Groups and differences are sets."""
    global steps
    steps += 1
    found = []
    for side in sides:
        status, _, body, _ = side.ask("GET", path)
        value = side.normal(json.loads(body)) if status == 200 else body.decode()
        if status == 200:
            groups = value.pop("componentDifferenceGroups")
            # What the original prints of objects without a text of their own.
            text = lambda value: json.dumps({name: plain(item) for name, item in value.items()}, sort_keys=True)
            flat = sorted(text({**one, **{k: v for k, v in each.items() if k != "differences"}}) for each in groups for one in each["differences"])
            value = (value, flat)
        found.append((status, value))
    if found[0] != found[1]:
        (theirs, own) = found
        if theirs[0] == own[0] == 200:
            left, right = set(theirs[1][1]), set(own[1][1])
            OPAQUE.extend((one for one in left - right if "OBJECT" in one))
            lost = [one for one in left - right if "OBJECT" not in one]
            more = [one for one in right - left if not any(opaque(one, other) for other in left - right if "OBJECT" in other)]
            if lost or more or theirs[1][0] != own[1][0]:
                failures.append(f"{path}\n   only the original {lost}\n   only ours         {more}")
        else:
            failures.append(f"{path}\n   original {theirs}\n   ours {own}")


OPAQUE = []


def opaque(own, theirs):
    """Whether these are the same difference, of which the original prints no readable value."""
    left, right = json.loads(own), json.loads(theirs)
    return all(left.get(name) == right.get(name) for name in ("componentId", "differenceType"))


newest = len(seconds) + 1
for a in range(1, newest + 1):
    for b in range(1, newest + 1):
        differences(f"/buckets/{{b}}/flows/{{f}}/diff/{a}/{b}")
step("GET", "/buckets/{b}/flows/{f}/diff/1/99", ours=404)
for end in ("/versions", "/versions/latest/metadata"):
    step("GET", "/buckets/{b}/flows/{f}" + end)
    step("GET", "/flows/{f}" + end)
step("GET", "/flows/{f}/versions/latest", ignore=CONTENTS)
step("GET", "/buckets/{b}/flows/{f}/versions/2", ignore=CONTENTS)
step("GET", "/buckets/{b}/flows/{f}/versions/99")
step("GET", "/items", sort=True)
step("GET", "/items/{b}", sort=True)
step("GET", "/items/nowhere")

# Real flows, as they were saved by somebody else.
for path in sorted(pathlib.Path(FLOWS).glob("*.json")):
    found = json.loads(path.read_text())
    contents = found.get("flowContents", found)
    step("POST", "/buckets/{b}/flows", {"name": path.stem}, learn={"real": "identifier"})
    save(contents, flow="{real}")
    step("GET", "/buckets/{b}/flows/{real}/versions/1", ignore=CONTENTS)


# Bundles.
def upload(path, bucket="{b}", kind="nifi-nar", sha256=None, **more):
    body = b""
    if sha256:
        body += b'--x\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n' + sha256.encode() + b"\r\n"
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.nar"\r\nContent-Type: application/octet-stream\r\n\r\n'
    body += pathlib.Path(path).read_bytes() + b"\r\n--x--\r\n"
    step("POST", f"/buckets/{bucket}/bundles/{kind}", body, headers={"Content-Type": "multipart/form-data; boundary=x"}, **more)


# Ours says more of what a version belongs to.
LOOSE = ("groupId", "artifactId", "filename", "link", "permissions", "revision", "versionCount")
nars = pathlib.Path(NARS)
upload(nars / "nifi-foo-nar-1.0.0.nar", ignore=LOOSE, learn={"n": "bundle.identifier"})
upload(nars / "nifi-foo-nar-1.0.0.nar")
upload(nars / "nifi-foo-nar-1.0.0.nar", sha256="0" * 64)
upload(nars / "nifi-foo-nar-1.0.0.nar", bucket="nowhere")
upload(nars / "nifi-foo-nar-1.0.0.nar", kind="unknown", ours=400)
upload(nars / "nifi-test-nar-2.0.0-missing-manifest.nar", ours=400)
snapshot = nars / "nifi-foo-nar-2.0.0-SNAPSHOT-BUILD1.nar"
upload(snapshot, ignore=LOOSE)
upload(snapshot, ignore=LOOSE)
upload(nars / "nifi-hadoop-nar.nar", bucket="{b2}", ignore=LOOSE, learn={"h": "bundle.identifier"})
upload(nars / "nifi-foo-nar-1.0.0.nar", bucket="{b2}", ignore=LOOSE)
for path in ("/bundles", "/bundles?groupId=org.apache.nifi&artifactId=nifi-h%25", "/bundles?bucketName=ops", "/bundles?bucketName=nowhere",
             "/bundles/versions", "/bundles/versions?version=1.0.0", "/bundles/versions?artifactId=nifi_foo%25", "/buckets/{b}/bundles",
             "/bundles/{n}", "/bundles/nowhere", "/bundles/{n}/versions", "/bundles/{n}/versions/1.0.0", "/bundles/{n}/versions/9",
             "/bundles/{n}/versions/1.0.0/content", "/bundles/{n}/versions/1.0.0/extensions", "/items/{b2}", "/buckets/{b2}/bundles"):
    step("GET", path, sort=True, ignore=LOOSE if path.endswith("/1.0.0") else ("filterParams",))
hdfs = "org.apache.nifi.processors.hadoop.ListHDFS"
for path in ("/bundles/{h}/versions/1.9.0-SNAPSHOT/extensions", f"/bundles/{{h}}/versions/1.9.0-SNAPSHOT/extensions/{hdfs}",
             "/bundles/{h}/versions/1.9.0-SNAPSHOT/extensions/nowhere", f"/bundles/{{h}}/versions/1.9.0-SNAPSHOT/extensions/{hdfs}/docs",
             f"/bundles/{{h}}/versions/1.9.0-SNAPSHOT/extensions/{hdfs}/docs/additional-details",
             "/bundles/{n}/versions/1.0.0/extensions/com.foo.FooProcessor/docs/additional-details",
             "/extensions?extensionType=PROCESSOR&tag=hdfs", "/extensions?bundleType=nifi-nar&extensionType=CONTROLLER_SERVICE",
             "/extensions/tags", "/extensions/provided-service-api?className=a&groupId=b&artifactId=c&version=d", "/extensions/provided-service-api"):
    step("GET", path, sort=True, ignore=("filterParams",))
step("GET", "/extensions?extensionType=NONSENSE", ours=400)
repository = "/extension-repository/My%20Bucket"
for path in ("/extension-repository", "/extension-repository/nowhere", repository, repository + "/org.apache.nifi", repository + "/nowhere",
             repository + "/org.apache.nifi/nifi-hadoop-nar", repository + "/org.apache.nifi/nowhere",
             repository + "/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT", repository + "/org.apache.nifi/nifi-hadoop-nar/9",
             repository + "/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT/sha256", repository + "/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT/content",
             repository + f"/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT/extensions/{hdfs}",
             repository + f"/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT/extensions/{hdfs}/docs",
             "/extension-repository/org.apache.nifi/nifi-hadoop-nar/1.9.0-SNAPSHOT/sha256", "/extension-repository/a/b/c/sha256"):
    # The original leaves out the link of a group.
    step("GET", path, ignore=("link",) if path == repository else ())
step("DELETE", "/bundles/{n}/versions/1.0.0", ignore=LOOSE)
step("GET", "/bundles/{n}")
step("DELETE", "/bundles/{n}")
step("DELETE", "/bundles/{n}")

# The end.
# The original says that a deleted flow has no versions.
step("DELETE", "/buckets/{b}/flows/{f}", ignore=("versionCount",))
step("DELETE", "/buckets/{b}/flows/{f}", status_only=True)
step("DELETE", "/buckets/{b}?version=0&clientId=x")
step("DELETE", "/buckets/{b2}")
for path in ("/buckets", "/items", "/bundles", "/flows/{f}"):
    step("GET", path)

for failure in failures:
    print(failure)
print(f"{steps} steps, {len(failures)} differ")
sys.exit(bool(failures))
