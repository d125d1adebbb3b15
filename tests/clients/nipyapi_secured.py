"""nipyapi, as released, against a registry that asks who calls: nipyapi_secured.py URL CA CERTIFICATE KEY USER PASSWORD

The certificate is that of an administrator; the user has a password. Every helper of nipyapi.security that needs a registry only.
Runs with the 0.x and the 1.x releases.
"""

import inspect
import sys

import nipyapi
from nipyapi import config, registry, security, versioning
from nipyapi.registry.rest import ApiException
from nipyapi_refused import refused

url, ca, certificate, key, user, password = sys.argv[1:]


def connect(own=None, secret=None):
    """From here on calls come with this certificate, or with none."""
    config.registry_config.api_key = {}
    config.registry_config.username = config.registry_config.password = ""
    registry.configuration.api_client = None
    config.registry_config.api_client = None
    security.set_service_ssl_context("registry", ca_file=ca, client_cert_file=own, client_key_file=secret)


config.registry_config.host = url

# With a certificate.
connect(certificate, key)
status = registry.AccessApi().get_access_status()
assert (status.identity, status.anonymous) == ("CN=boss, OU=ops", False), status
assert status.resource_permissions.any_top_level_resource.can_delete
assert sorted(found.identity for found in security.list_service_users("registry")) == ["CN=boss, OU=ops", "root"]

anna = security.create_service_user("anna", "registry")
assert "already exists" in refused(409, security.create_service_user, "anna", "registry")
assert security.create_service_user("anna", "registry", strict=False).identifier == anna.identifier
assert security.get_service_user("anna", service="registry").identifier == anna.identifier
assert security.get_service_user(anna.identifier, "id", "registry").identity == "anna"
group = security.create_service_user_group("readers", "registry", users=[anna])
assert [member.identity for member in group.users] == ["anna"]
assert "already exists" in refused(409, security.create_service_user_group, "readers", "registry", users=[anna])
assert "readers" in [found.identity for found in security.list_service_user_groups("registry")]
assert security.get_service_user_group("readers", service="registry").identifier == group.identifier

bucket = versioning.create_registry_bucket("ops")
resource = "/buckets/" + bucket.identifier
try:
    # Some releases look at this text in what their client for NiFi raises, and let that of the registry pass.
    assert security.get_access_policy_for_resource(resource, "read", service="registry") is None
except ApiException as error:
    assert error.status == 404 and "No policy found" in str(error.body), error
policy = security.create_access_policy(resource, "read", service="registry")
assert (policy.action, policy.resource, policy.users) == ("read", resource, [])
assert security.get_access_policy_for_resource(resource, "read", service="registry").identifier == policy.identifier
policy = security.add_user_to_access_policy(anna, policy, "registry")
assert [member.identity for member in policy.users] == ["anna"]
refused(400, security.add_user_to_access_policy, anna, policy, "registry")
policy = security.add_user_group_to_access_policy(group, policy, "registry")
assert [member.identity for member in policy.user_groups] == ["readers"]
shown = security.get_service_user("anna", service="registry")
assert [own.resource for own in shown.access_policies] == [resource]

proxy = security.create_service_user("CN=nifi", "registry")
parameters = inspect.signature(security.bootstrap_security_policies).parameters
more = {"nifi_proxy_identity": "CN=nifi"} if "nifi_proxy_identity" in parameters else {}
security.bootstrap_security_policies("registry", user_identity=proxy, **more)
for action in ("read", "write", "delete"):
    for path in ("/buckets", "/proxy"):
        found = security.get_access_policy_for_resource(path, action, service="registry")
        assert "CN=nifi" in [member.identity for member in found.users], (path, action)

resources = registry.PoliciesApi().get_resources()
assert [found.identifier for found in resources][-1] == resource
flags = registry.ConfigApi().get_configuration()
assert flags.supports_managed_authorizer and flags.supports_configurable_authorizer
assert flags.supports_configurable_users_and_groups

# With nothing.
connect()
assert registry.AccessApi().get_access_status().anonymous
assert versioning.list_registry_buckets() == []
refused(401, security.list_service_users, "registry")

# With a password.
assert not security.service_login("registry", user, "wrong", bool_response=True)
connect()
assert security.service_login("registry", user, password)
status = registry.AccessApi().get_access_status()
assert (status.identity, status.login_supported) == (user, True), status
assert [found.name for found in versioning.list_registry_buckets()] == ["ops"]
registry.AccessApi().logout()
assert "Unable to validate the access token" in refused(401, versioning.list_registry_buckets)
security.service_logout("registry")
connect()
assert registry.AccessApi().get_access_status().anonymous

# And away with everything.
connect(certificate, key)
assert registry.PoliciesApi().remove_access_policy(id=policy.identifier, version="0").identifier == policy.identifier
assert security.remove_service_user_group(group, "registry").identifier == group.identifier
assert security.remove_service_user(anna, "registry").identifier == anna.identifier
assert security.get_service_user("anna", service="registry") is None
print("all of it works")
