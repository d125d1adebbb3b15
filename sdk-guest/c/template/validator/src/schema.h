/* JSON Schema (2020-12) of the configuration. */
#define SCHEMA \
    "{" \
    "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"," \
    "\"type\": \"object\"," \
    "\"properties\": {" \
    "\"longest\": { \"type\": \"integer\", \"minimum\": 1, \"description\": \"The most characters a name may have\" }" \
    "}," \
    "\"required\": [\"longest\"]," \
    "\"additionalProperties\": false" \
    "}"
