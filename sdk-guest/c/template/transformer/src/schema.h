/* JSON Schema (2020-12) of the configuration. */
#define SCHEMA \
    "{" \
    "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"," \
    "\"type\": \"object\"," \
    "\"properties\": {" \
    "\"field\": { \"type\": \"string\", \"description\": \"The field to write in upper case\" }" \
    "}," \
    "\"required\": [\"field\"]," \
    "\"additionalProperties\": false" \
    "}"
