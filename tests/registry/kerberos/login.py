"""Signs in to a registry with a Kerberos ticket, through the GSS-API of the system, and checks the registry's answer to it.

Arguments: port, mechanism (`spnego` or `krb5`). Prints the token of the registry.
"""

import base64
import http.client
import ssl
import sys

import gssapi

port, mechanism = sys.argv[1:]
mechanisms = {"spnego": "1.3.6.1.5.5.2", "krb5": "1.2.840.113554.1.2.2"}
context = gssapi.SecurityContext(
    name=gssapi.Name("HTTP@localhost", gssapi.NameType.hostbased_service),
    mech=gssapi.OID.from_int_seq(mechanisms[mechanism]),
    flags=gssapi.RequirementFlag.mutual_authentication,
    usage="initiate",
)
header = "Negotiate " + base64.b64encode(context.step()).decode()
connection = http.client.HTTPSConnection("localhost", int(port), context=ssl._create_unverified_context())
connection.request("POST", "/nifi-registry-api/access/token/kerberos", headers={"Authorization": header})
answer = connection.getresponse()
text = answer.read().decode()
assert answer.status == 201, f"{answer.status} {text}"
assert not context.complete, "nothing is left to be proven"
scheme, proof = answer.headers["WWW-Authenticate"].split(" ")
assert scheme == "Negotiate"
context.step(base64.b64decode(proof))
assert context.complete, "the registry did not prove itself"
print(text)
