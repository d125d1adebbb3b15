/* The double of the host. Everything lives until hwt_end. */
#include "hw_testing.h"

#include "../hw_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct field {
    struct field *next;
    const char *name;
    hw_value value;
} field;

typedef struct {
    field *fields; /* by ascending name */
    size_t origin;
} row;

typedef struct {
    hw_batch batch;
    row *rows;
    size_t len;
    bool *rejected; /* by origin */
} records;

static struct {
    field *state, *secrets, *counters;
    hw_time now;
    hw_response answers[64];
    size_t answered, answer_count;
    hw_str sent;
} host;

static field *find(field *fields, const char *name) {
    while (fields && strcmp(fields->name, name)) fields = fields->next;
    return fields;
}

static hw_value text_value(hw_str text) {
    return text.data ? (hw_value){.kind = HW_TEXT, .text = text} : (hw_value){.kind = HW_ABSENT};
}

/* As the host renders values, but for the last digits of numbers. */
static hw_str rendered(hw_value value) {
    switch (value.kind) {
        case HW_ABSENT: return HW_NONE;
        case HW_NULL: return hw_text("");
        case HW_BOOLEAN: return hw_text(value.boolean ? "true" : "false");
        case HW_INTEGER: return hw_format("%lld", (long long)value.integer);
        case HW_FLOAT: return hw_format("%.15g", value.number);
        default: return value.text;
    }
}

static void put(field **fields, const char *name, hw_value value) {
    while (*fields && strcmp((*fields)->name, name) < 0) fields = &(*fields)->next;
    if (*fields && !strcmp((*fields)->name, name)) {
        if (value.kind != HW_ABSENT) (*fields)->value = value;
        else *fields = (*fields)->next;
    } else if (value.kind != HW_ABSENT) {
        field *made = hw_alloc(sizeof *made);
        *made = (field){*fields, hw_copy(name, strlen(name)).data, value};
        *fields = made;
    }
}

const hw_json *hwt_config(const char *json) { return hw_json_parse(hw_text(json)); }

static hw_value read_value(const hw_json *json) {
    hw_str source = hw_json_source(json);
    switch (hw_json_kind_of(json)) {
        case HW_JSON_NULL: return (hw_value){.kind = HW_NULL};
        case HW_JSON_BOOLEAN: return (hw_value){.kind = HW_BOOLEAN, .boolean = hw_json_is(json, false)};
        case HW_JSON_TEXT: return text_value(hw_json_text(json));
        case HW_JSON_NUMBER: {
            hw_str text = hw_copy(source.data, source.len);
            if (strpbrk(text.data, ".eE")) return (hw_value){.kind = HW_FLOAT, .number = hw_json_number(json, 0)};
            return (hw_value){.kind = HW_INTEGER, .integer = strtoll(text.data, NULL, 10)};
        }
        default: return (hw_value){.kind = HW_JSON, .text = source};
    }
}

hw_batch *hwt_batch(const char *json) {
    const hw_json *list = hwt_config(json);
    records *made = hw_alloc(sizeof *made);
    made->len = hw_json_len(list);
    made->rows = hw_alloc(made->len * sizeof(row));
    made->rejected = hw_alloc(made->len * sizeof(bool));
    for (size_t i = 0; i < made->len; i++) {
        const hw_json *object = hw_json_item(list, i);
        made->rows[i].origin = i;
        for (size_t j = 0; j < hw_json_len(object); j++)
            put(&made->rows[i].fields, hw_json_name(object, j).data, read_value(hw_json_item(object, j)));
    }
    made->batch.handle = (intptr_t)made;
    return &made->batch;
}

static records *of(intptr_t batch) { return (records *)batch; }

hw_str hwt_records(hw_batch *batch) {
    hw_flush(batch);
    records *known = of(batch->handle);
    hw_str made = hw_text("");
    for (size_t i = 0; i < known->len; i++) {
        if (known->rejected[known->rows[i].origin]) continue;
        made = hw_format("%s%s%s", made.data, made.len ? "," : "", hw_record_json(batch, i).data);
    }
    return hw_format("[%s]", made.data);
}

size_t hw_host_len(intptr_t batch) { return of(batch)->len; }

const hw_str *hw_host_names(intptr_t batch, size_t *count) {
    field *names = NULL;
    for (size_t i = 0; i < of(batch)->len; i++)
        for (field *at = of(batch)->rows[i].fields; at; at = at->next) put(&names, at->name, text_value(hw_text(at->name)));
    *count = 0;
    for (field *at = names; at; at = at->next) ++*count;
    hw_str *made = hw_alloc(*count * sizeof *made), *to = made;
    for (field *at = names; at; at = at->next) *to++ = at->value.text;
    return made;
}

const hw_time *hw_host_times(intptr_t batch, size_t *count) {
    *count = of(batch)->len;
    hw_time *made = hw_alloc(*count * sizeof *made);
    for (size_t i = 0; i < *count; i++) made[i] = host.now;
    return made;
}

static hw_value value_of(field *fields, const char *name) {
    field *known = find(fields, name);
    return known ? known->value : (hw_value){.kind = HW_ABSENT};
}

void hw_host_read(intptr_t batch, const char *name, hw_value *values) {
    for (size_t i = 0; i < of(batch)->len; i++) values[i] = value_of(of(batch)->rows[i].fields, name);
}

void hw_host_read_texts(intptr_t batch, const char *name, hw_str *texts) {
    for (size_t i = 0; i < of(batch)->len; i++) texts[i] = rendered(value_of(of(batch)->rows[i].fields, name));
}

void hw_host_write(intptr_t batch, const char *name, const hw_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) put(&of(batch)->rows[i].fields, name, values[i]);
}

void hw_host_write_texts(intptr_t batch, const char *name, const hw_str *texts, size_t count) {
    for (size_t i = 0; i < count; i++) put(&of(batch)->rows[i].fields, name, text_value(texts[i]));
}

void hw_host_fill(intptr_t batch, const char *name, hw_value value) {
    for (size_t i = 0; i < of(batch)->len; i++) put(&of(batch)->rows[i].fields, name, value);
}

void hw_host_rename(intptr_t batch, const char *name, const char *to) {
    for (size_t i = 0; i < of(batch)->len; i++) {
        field *known = find(of(batch)->rows[i].fields, name);
        if (!known) continue;
        hw_value value = known->value;
        put(&of(batch)->rows[i].fields, name, (hw_value){.kind = HW_ABSENT});
        put(&of(batch)->rows[i].fields, to, value);
    }
}

void hw_host_remove(intptr_t batch, const char *name) { hw_host_fill(batch, name, (hw_value){.kind = HW_ABSENT}); }

void hw_host_select(intptr_t batch, const uint32_t *indexes, size_t count) {
    row *rows = hw_alloc(count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        if (indexes[i] >= of(batch)->len) abort();
        rows[i].origin = of(batch)->rows[indexes[i]].origin;
        for (field *at = of(batch)->rows[indexes[i]].fields; at; at = at->next) put(&rows[i].fields, at->name, at->value);
    }
    of(batch)->rows = rows;
    of(batch)->len = count;
}

void hw_host_reject(intptr_t batch, uint32_t record, hw_str reason) {
    (void)reason;
    of(batch)->rejected[of(batch)->rows[record].origin] = true;
}

void hw_host_log(hw_level level, hw_str message) {
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    fprintf(stderr, "%s: %s\n", names[level], message.data);
}

hw_time hw_now(void) { return host.now; }

void hw_random(void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) ((uint8_t *)bytes)[i] = (uint8_t)rand();
}

bool hw_state_get(const char *key, hw_str *value) {
    *value = rendered(value_of(host.state, key));
    return true;
}

bool hw_state_set(const char *key, hw_str value) {
    put(&host.state, key, text_value(value.data ? hw_copy(value.data, value.len) : HW_NONE));
    return true;
}

bool hw_state_replace(const char *key, hw_str expected, hw_str value, bool *replaced) {
    *replaced = hw_same(rendered(value_of(host.state, key)), expected);
    return !*replaced || hw_state_set(key, value);
}

bool hw_state_keys(const char *prefix, const hw_str **keys, size_t *count) {
    hw_str *made = NULL;
    size_t capacity = 0;
    *count = 0;
    for (field *at = host.state; at; at = at->next) {
        if (strncmp(at->name, prefix, strlen(prefix))) continue;
        made = hw_grow(made, *count, &capacity, sizeof *made);
        made[(*count)++] = hw_text(at->name);
    }
    *keys = made;
    return true;
}

bool hw_state_is_full(void) { return false; }

void hw_count(const char *name, uint64_t by) { (void)name, (void)by; }
void hw_gauge(const char *name, double value) { (void)name, (void)value; }

hw_str hw_secret(const char *name) {
    return rendered(value_of(host.secrets, name));
}

hw_response hw_http(const hw_request *request) {
    host.sent = hw_copy(request->body.data, request->body.len);
    return host.answered < host.answer_count ? host.answers[host.answered++] : (hw_response){.status = 200};
}

void hwt_set_now(hw_time now) { host.now = now; }
void hwt_set_secret(const char *name, const char *value) { put(&host.secrets, name, text_value(hw_text(value))); }

void hwt_answer(uint16_t status, const char *body) {
    if (host.answer_count < sizeof host.answers / sizeof *host.answers)
        host.answers[host.answer_count++] = (hw_response){.status = status, .body = hw_text(body)};
}

hw_str hwt_sent(void) { return host.sent; }

hw_violations *hwt_violations(void) { return hw_alloc(sizeof(hw_violations)); }
size_t hwt_violation_count(const hw_violations *found) { return found->len; }

void hwt_equal(hw_str got, const char *expected, const char *where) {
    if (hw_equal(got, expected)) return;
    fprintf(stderr, "%s: expected %s, got %s\n", where, expected, got.data ? got.data : "none");
    exit(1);
}

void hwt_end(void) {
    hw_end_call();
    memset(&host, 0, sizeof host);
}
