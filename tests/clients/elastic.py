"""The official Elasticsearch client against a pipeline: elastic.py URL USER PASSWORD PIPELINE"""

import sys

from elasticsearch import AuthenticationException, Elasticsearch, NotFoundError, helpers

url, user, password, pipeline = sys.argv[1:]
client = Elasticsearch(url, basic_auth=(user, password), http_compress=True)

assert client.ping()
assert client.info()["tagline"] == "You Know, for Search"
assert client.indices.exists(index=pipeline)
assert not client.indices.exists(index="nowhere")

made = client.index(index=pipeline, document={"n": 1, "nested": {"list": ["a", None]}})
assert made["result"] == "created" and made["_index"] == pipeline, made
assert client.index(index=pipeline, id="mine", document={"n": 2})["_id"] == "mine"
assert client.create(index=pipeline, id="new", document={"n": 3})["result"] == "created"

documents = ({"_index": pipeline, "_source": {"n": n}} for n in range(100, 1100))
assert helpers.bulk(client, documents, chunk_size=250) == (1000, [])

wrong = [{"_index": pipeline, "n": 4}, {"_index": "nowhere", "n": 5}]
done, errors = helpers.bulk(client, wrong, raise_on_error=False)
assert done == 1 and [error["index"]["status"] for error in errors] == [404], (done, errors)

try:
    client.index(index="nowhere", document={})
    raise SystemExit("a document for nowhere was taken")
except NotFoundError as error:
    assert error.body["error"]["type"] == "index_not_found_exception", error.body

client.indices.create(index=pipeline + "-made", mappings={"properties": {}})
client.index(index=pipeline + "-made", document={"n": 6})

try:
    Elasticsearch(url, basic_auth=(user, "wrong")).info()
    raise SystemExit("a wrong password was taken")
except AuthenticationException:
    pass
