/* Write Headworks plugins in C.
 *
 * A plugin defines `hw_plugin`, `hw_open`, `hw_close` and what its world calls: `hw_transform`, `hw_targets` and `hw_send`, or
 * `hw_validate`. Everything else here is what it may call. Texts are pairs of pointer and length; they may hold anything, and
 * those that functions answer live until the present call of the plugin ends. Fields are read and written as text, or as values
 * that have kinds; cells that are not written keep their kind. */
#ifndef HW_H
#define HW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text. No data means that there is none. A zero byte follows texts that functions answer. */
typedef struct {
    const char *data;
    size_t len;
} hw_str;

#define HW_NONE ((hw_str){0, 0})

hw_str hw_text(const char *text);
bool hw_equal(hw_str a, const char *b);
bool hw_same(hw_str a, hw_str b);

/* Memory and texts that live until the present call ends. */
void *hw_alloc(size_t bytes);
hw_str hw_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A copy for the life of the plugin; free() it in hw_close. */
char *hw_keep(hw_str text);

/* ---- what the plugin says of itself ---- */

typedef struct {
    const char *name;          /* lower-case words with hyphens */
    const char *version;       /* semantic version */
    const char *summary;       /* one line */
    const char *config_schema; /* JSON Schema (2020-12) */
    const char *const *grants; /* such as "https://example.com:443" or "secret:token", ended by NULL; or NULL */
} hw_about;

/* The text of a failure. */
typedef struct {
    hw_str why;
    bool is_config; /* the configuration is to blame */
} hw_error;

/* Says what is wrong with the configuration; answers NULL, so that hw_open can return it. */
void *hw_bad_config(hw_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says what failed; answers false. */
bool hw_fail(hw_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- JSON ---- */

typedef enum { HW_JSON_NULL, HW_JSON_BOOLEAN, HW_JSON_NUMBER, HW_JSON_TEXT, HW_JSON_LIST, HW_JSON_OBJECT } hw_json_kind;
typedef struct hw_json hw_json;

/* A document, or NULL where it is none. It lives until the present call ends. */
const hw_json *hw_json_parse(hw_str text);
hw_json_kind hw_json_kind_of(const hw_json *json); /* of NULL: HW_JSON_NULL */
/* A member of an object, an item of a list; NULL where there is none, and of NULL. */
const hw_json *hw_json_member(const hw_json *json, const char *name);
const hw_json *hw_json_item(const hw_json *json, size_t index);
size_t hw_json_len(const hw_json *json);
/* The name of the member at a position of an object. */
hw_str hw_json_name(const hw_json *json, size_t index);
hw_str hw_json_text(const hw_json *json);                     /* none where it is no text */
double hw_json_number(const hw_json *json, double otherwise); /* `otherwise` where it is no number */
bool hw_json_is(const hw_json *json, bool otherwise);         /* `otherwise` where it is no boolean */
/* A text in quotes, as JSON writes it. */
hw_str hw_json_quote(hw_str text);
/* The part of the parsed text that it was read from. */
hw_str hw_json_source(const hw_json *json);

/* ---- records ---- */

typedef struct hw_batch hw_batch;

typedef struct {
    int64_t seconds; /* since 1970-01-01T00:00:00Z */
    uint32_t nanoseconds;
} hw_time;

size_t hw_batch_len(const hw_batch *batch);
/* Every field name that occurs. */
const hw_str *hw_batch_names(hw_batch *batch, size_t *count);
/* When the server received each record. */
const hw_time *hw_batch_times(hw_batch *batch);
/* A field of a record; none where it is absent. The first call for a field reads it for all records. */
hw_str hw_get(hw_batch *batch, size_t record, const char *name);
/* Sets a field of a record, or removes it if `value` is HW_NONE. Written back once, after the plugin is done. */
void hw_set(hw_batch *batch, size_t record, const char *name, hw_str value);
/* The same value in every record. */
void hw_fill(hw_batch *batch, const char *name, hw_str value);

typedef enum { HW_ABSENT, HW_NULL, HW_BOOLEAN, HW_INTEGER, HW_FLOAT, HW_TEXT, HW_BYTES, HW_JSON } hw_kind;
typedef struct {
    hw_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        hw_str text; /* HW_TEXT, HW_BYTES, HW_JSON */
    };
} hw_value;
/* As hw_get, hw_set and hw_fill, with kinds. HW_ABSENT removes. */
hw_value hw_get_value(hw_batch *batch, size_t record, const char *name);
void hw_set_value(hw_batch *batch, size_t record, const char *name, hw_value value);
void hw_fill_value(hw_batch *batch, const char *name, hw_value value);

void hw_rename(hw_batch *batch, const char *name, const char *to);
void hw_remove(hw_batch *batch, const char *name);
/* Keeps the records at these indexes, in this order; an index may occur more than once or not at all. */
void hw_select(hw_batch *batch, const uint32_t *indexes, size_t count);
/* Marks a record as failed: it goes to the dead letters with this reason. */
void hw_reject(hw_batch *batch, size_t record, hw_str reason);
/* The fields of a record as a JSON object of texts. */
hw_str hw_record_json(hw_batch *batch, size_t record);

/* ---- the host ---- */

typedef enum { HW_TRACE, HW_DEBUG, HW_INFO, HW_WARN, HW_ERROR } hw_level;
void hw_log(hw_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
hw_time hw_now(void);
void hw_random(void *bytes, size_t count);
/* What the plugin remembers. False where that failed; `*value` is none where there is nothing. */
bool hw_state_get(const char *key, hw_str *value);
bool hw_state_set(const char *key, hw_str value); /* HW_NONE removes */
/* Sets a key if its value is `expected`, and says whether it was; for instances that share a key. */
bool hw_state_replace(const char *key, hw_str expected, hw_str value, bool *replaced);
/* The keys that begin with a text, in ascending order, at most a thousand. */
bool hw_state_keys(const char *prefix, const hw_str **keys, size_t *count);
/* Whether the latest of these that failed did because there is no room for the key or value. */
bool hw_state_is_full(void);
/* Figures: a name is lower-case words with underscores, with its unit at the end. */
void hw_count(const char *name, uint64_t by);
void hw_gauge(const char *name, double value);
/* A secret that was granted; none where it is not, or not set. */
hw_str hw_secret(const char *name);

/* ---- what the worlds call ---- */

extern const hw_about hw_plugin;
/* Answers the plugin with this configuration, or hw_bad_config(…). Anything but NULL will do. */
void *hw_open(const hw_json *config, hw_error *error);
void hw_close(void *self);

/* Transformer: changes the records in place; false with hw_fail(…) fails all of them. */
bool hw_transform(void *self, hw_batch *batch, hw_error *error);

/* Validator. */
typedef enum { HW_CREATE, HW_UPDATE, HW_DELETE } hw_operation;
typedef struct {
    hw_str kind, scope, name;
    hw_operation operation;
    hw_str document, previous, principal; /* `previous` may be none */
} hw_subject;
typedef struct hw_violations hw_violations;
void hw_violation(hw_violations *to, bool is_error, const char *path, const char *format, ...) __attribute__((format(printf, 4, 5)));
bool hw_validate(void *self, const hw_subject *subject, hw_violations *found, hw_error *error);

/* Forwarder. `hw_targets` adds what the configuration needs to reach, with hw_target. */
typedef struct hw_targets_list hw_targets_list;
void hw_target(hw_targets_list *to, hw_str grant);
/* What a grant for a URL is called, such as https://host:443; none where it is no URL of HTTP. */
hw_str hw_url_target(hw_str url);
bool hw_targets(const hw_json *config, hw_targets_list *targets, hw_error *error);

typedef struct {
    const char *method;
    hw_str url;
    const hw_str (*headers)[2]; /* names and values */
    size_t header_count;
    hw_str body;
    uint32_t timeout_milliseconds; /* 0 is 10 s */
} hw_request;
typedef struct {
    uint16_t status; /* 0 where no answer came: then `failure` says why and `is_passing` whether to try again */
    hw_str body, failure;
    bool is_passing;
} hw_response;
hw_response hw_http(const hw_request *request);

typedef struct hw_report hw_report;
/* The target will never take this record. Records are rejected in ascending order. */
void hw_report_reject(hw_report *report, size_t record, hw_str reason);
/* Records from this one on were not delivered; `retry_milliseconds` 0 says that trying again is of no use. */
void hw_report_stop(hw_report *report, size_t record, hw_str reason, uint32_t retry_milliseconds);
void hw_send(void *self, hw_batch *batch, hw_report *report);

#endif
