/* JSON Schema (2020-12) of the configuration. */
#define SCHEMA \
    "{" \
    "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"," \
    "\"type\": \"object\"," \
    "\"properties\": {" \
    "\"keep_one_in\": { \"type\": \"integer\", \"minimum\": 1, \"description\": \"Of so many records one is kept\" }," \
    "\"by\": { \"type\": \"string\", \"description\": \"Records with the same text in this field are kept or dropped together, such as a trace id; without it every n-th record is kept\" }," \
    "\"always\": {" \
    "\"type\": \"object\", \"additionalProperties\": { \"type\": \"array\", \"items\": { \"type\": \"string\" } }, \"default\": {}," \
    "\"description\": \"Fields and texts: a record that has one of the texts is always kept\"" \
    "}," \
    "\"rate_field\": { \"type\": \"string\", \"description\": \"Write into this field how many records a kept one stands for\" }" \
    "}," \
    "\"required\": [\"keep_one_in\"]," \
    "\"additionalProperties\": false" \
    "}"
