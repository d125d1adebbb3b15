/* JSON Schema (2020-12) of the configuration. */
#define SCHEMA \
    "{" \
    "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"," \
    "\"type\": \"object\"," \
    "\"properties\": {" \
    "\"url\": { \"type\": \"string\", \"description\": \"Where each record is posted to\" }" \
    "}," \
    "\"required\": [\"url\"]," \
    "\"additionalProperties\": false" \
    "}"
