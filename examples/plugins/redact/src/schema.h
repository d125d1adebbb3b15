/* JSON Schema (2020-12) of the configuration. */
#define SCHEMA \
    "{" \
    "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"," \
    "\"type\": \"object\"," \
    "\"properties\": {" \
    "\"fields\": { \"type\": \"array\", \"items\": { \"type\": \"string\" }, \"default\": [], \"description\": \"Where to look; empty stands for every field\" }," \
    "\"kinds\": {" \
    "\"type\": \"array\", \"items\": { \"enum\": [\"email\", \"card\", \"ipv4\"] }, \"default\": [\"email\", \"card\", \"ipv4\"]," \
    "\"description\": \"What is replaced: addresses of mail, numbers of payment cards whose check digit is right, addresses of IPv4\"" \
    "}" \
    "}," \
    "\"additionalProperties\": false" \
    "}"
