/* Does what `sdk-guest/conformance/vectors.json` asks for, with every part of the SDK. */
#include "hw.h"
#include "schema.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const grants[] = {"secret:token", NULL};

const hw_about hw_plugin = {
    .name = "conformance",
    .version = "0.1.0",
    .summary = "Does what the vectors ask for",
    .config_schema = SCHEMA,
    .grants = grants,
};

/* One thing to do, as the configuration says it. */
typedef struct {
    const hw_json *json;
    const char *name, *field, *to, *key;
} step;

/* ---- steps of all records ---- */

static hw_value text_of(hw_str text) { return (hw_value){.kind = HW_TEXT, .text = text}; }
static hw_str value_text(const step *at) { return hw_json_text(hw_json_member(at->json, "value")); }

static hw_value value_of(const hw_json *json) {
    double number = hw_json_number(json, 0);
    switch (hw_json_kind_of(json)) {
        case HW_JSON_NULL: return (hw_value){.kind = HW_NULL};
        case HW_JSON_BOOLEAN: return (hw_value){.kind = HW_BOOLEAN, .boolean = hw_json_is(json, false)};
        case HW_JSON_TEXT: return text_of(hw_json_text(json));
        case HW_JSON_NUMBER:
            if (number == floor(number)) return (hw_value){.kind = HW_INTEGER, .integer = (int64_t)number};
            return (hw_value){.kind = HW_FLOAT, .number = number};
        default: return (hw_value){.kind = HW_JSON, .text = hw_json_source(json)};
    }
}

static hw_str upper(hw_str text) {
    char *made = hw_alloc(text.len + 1);
    for (size_t i = 0; i < text.len; i++) made[i] = (char)toupper((unsigned char)text.data[i]);
    return (hw_str){made, text.len};
}

static bool all_upper(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    for (size_t i = 0; i < hw_batch_len(batch); i++) {
        hw_str text = hw_get(batch, i, at->field);
        if (text.data) hw_set(batch, i, at->field, upper(text));
    }
    return true;
}

static bool kind(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    static const char *const names[] = {"none", "null", "boolean", "integer", "float", "text", "bytes", "json"};
    for (size_t i = 0; i < hw_batch_len(batch); i++)
        hw_set(batch, i, at->to, hw_text(names[hw_get_value(batch, i, at->field).kind]));
    return true;
}

static bool choose(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    const hw_json *list = hw_json_member(at->json, "indexes");
    uint32_t *indexes = hw_alloc(hw_json_len(list) * sizeof *indexes);
    for (size_t i = 0; i < hw_json_len(list); i++) indexes[i] = (uint32_t)hw_json_number(hw_json_item(list, i), 0);
    hw_select(batch, indexes, hw_json_len(list));
    return true;
}

static bool fill(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_fill_value(batch, at->field, value_of(hw_json_member(at->json, "value")));
    return true;
}

static bool change_name(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_rename(batch, at->field, at->to);
    return true;
}

static bool delete(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_remove(batch, at->field);
    return true;
}

static int by_name(const void *a, const void *b) { return strcmp(((const hw_str *)a)->data, ((const hw_str *)b)->data); }

/* Sorted, with commas between them. */
static hw_str joined(const hw_str *names, size_t count) {
    hw_str *sorted = hw_alloc((count + 1) * sizeof *sorted), made = hw_text("");
    if (count) memcpy(sorted, names, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 0; i < count; i++) made = hw_format("%s%s%s", made.data, i ? "," : "", sorted[i].data);
    return made;
}

static bool batch_names(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    size_t count;
    const hw_str *names = hw_batch_names(batch, &count);
    hw_fill(batch, at->field, joined(names, count));
    return true;
}

static bool count(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_fill(batch, at->field, hw_format("%zu", hw_batch_len(batch)));
    return true;
}

static bool fail(hw_batch *batch, const step *at, hw_error *error) {
    (void)batch;
    return hw_fail(error, "%s", value_text(at).data);
}

static bool crash(hw_batch *batch, const step *at, hw_error *error) {
    (void)batch, (void)at, (void)error;
    abort();
}

#ifdef HW_INTERFACE_0_1_0
/* It has no clock of its own. */
static bool tell_time(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_fill(batch, at->field, hw_text(time(NULL) > 1735689600 ? "ok" : "the clock stands"));
    return true;
}
#else
static bool tell_time(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_time first = hw_now(), second = hw_now();
    bool ascends = second.seconds > first.seconds || (second.seconds == first.seconds && second.nanoseconds >= first.nanoseconds);
    bool near = llabs((long long)time(NULL) - second.seconds) < 5;
    hw_fill(batch, at->field, hw_text(ascends && near && first.seconds > 1735689600 ? "ok" : "the clocks differ"));
    return true;
}

static bool entropy(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    static const char zero[16];
    char one[16] = {0}, other[16] = {0};
    hw_random(one, sizeof one);
    hw_random(other, sizeof other);
    bool differ = memcmp(one, other, sizeof one) && memcmp(one, zero, sizeof one);
    hw_fill(batch, at->field, hw_text(differ ? "ok" : "the same again"));
    return true;
}

static bool state_get(hw_batch *batch, const step *at, hw_error *error) {
    hw_str value;
    if (!hw_state_get(at->key, &value)) return hw_fail(error, "state");
    hw_fill(batch, at->field, value.data ? value : hw_text("none"));
    return true;
}

static bool state_set(hw_batch *batch, const step *at, hw_error *error) {
    (void)batch;
    return hw_state_set(at->key, value_text(at)) || hw_fail(error, "state");
}

static bool state_delete(hw_batch *batch, const step *at, hw_error *error) {
    (void)batch;
    return hw_state_set(at->key, HW_NONE) || hw_fail(error, "state");
}

static bool state_keys(hw_batch *batch, const step *at, hw_error *error) {
    const hw_str *keys;
    size_t found;
    if (!hw_state_keys(at->key, &keys, &found)) return hw_fail(error, "state");
    hw_fill(batch, at->field, joined(keys, found));
    return true;
}

static bool replace(hw_batch *batch, const step *at, hw_str expected, hw_error *error) {
    bool replaced;
    if (!hw_state_replace(at->key, expected, value_text(at), &replaced)) return hw_fail(error, "state");
    hw_fill(batch, at->field, hw_text(replaced ? "true" : "false"));
    return true;
}

static bool state_replace(hw_batch *batch, const step *at, hw_error *error) {
    return replace(batch, at, hw_json_text(hw_json_member(at->json, "expected")), error);
}

static bool state_create(hw_batch *batch, const step *at, hw_error *error) { return replace(batch, at, HW_NONE, error); }

static bool state_full(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_str large = {hw_alloc(1 << 17), 1 << 17};
    const char *came = hw_state_set("large", large) ? "kept" : hw_state_is_full() ? "full" : "failed";
    hw_fill(batch, at->field, hw_text(came));
    return true;
}

static bool secret(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    hw_str value = hw_secret(at->key);
    hw_fill(batch, at->field, value.data ? value : hw_text("none"));
    return true;
}

static bool observe(hw_batch *batch, const step *at, hw_error *error) {
    (void)batch, (void)error;
    hw_count("conformance_steps_total", 2);
    hw_gauge("conformance_level_ratio", 0.5);
    hw_log(HW_WARN, "%s ü", value_text(at).data);
    return true;
}
#endif

/* ---- steps of one record ---- */

static void event_upper(hw_batch *batch, size_t i, const step *at) {
    hw_str text = hw_get(batch, i, at->field);
    if (text.data) hw_set(batch, i, at->field, upper(text));
}

static void text(hw_batch *batch, size_t i, const step *at) {
    hw_str found = hw_get(batch, i, at->field);
    if (found.data) hw_set(batch, i, at->to, found);
}

static void moment(hw_batch *batch, size_t i, const step *at) {
    bool near = llabs((long long)time(NULL) - hw_batch_times(batch)[i].seconds) < 86400;
    hw_set(batch, i, at->field, hw_text(near ? "ok" : "another day"));
}

static void set(hw_batch *batch, size_t i, const step *at) {
    hw_set_value(batch, i, at->field, value_of(hw_json_member(at->json, "value")));
}

static void set_null(hw_batch *batch, size_t i, const step *at) { hw_set_value(batch, i, at->field, (hw_value){.kind = HW_NULL}); }

static void set_bytes(hw_batch *batch, size_t i, const step *at) {
    hw_set_value(batch, i, at->field, (hw_value){.kind = HW_BYTES, .text = {"\xff" "A", 2}});
}

static void unset(hw_batch *batch, size_t i, const step *at) { hw_set(batch, i, at->field, HW_NONE); }

static void names(hw_batch *batch, size_t i, const step *at) {
    size_t all, here = 0;
    const hw_str *every = hw_batch_names(batch, &all);
    hw_str *found = hw_alloc((all + 1) * sizeof *found);
    for (size_t n = 0; n < all; n++)
        if (!hw_equal(every[n], at->field) && hw_get(batch, i, every[n].data).data) found[here++] = every[n];
    hw_set(batch, i, at->field, joined(found, here));
}

static void reject(hw_batch *batch, size_t i, const step *at) { hw_reject(batch, i, value_text(at)); }

/* The bytes of the code point that begins here. */
static size_t width(const char *text) {
    size_t bytes = 1;
    while (((unsigned char)text[bytes] & 0xc0) == 0x80) bytes++;
    return bytes;
}

static void chars(hw_batch *batch, size_t i, const step *at) {
    hw_str found = hw_get(batch, i, at->field);
    size_t points = 0;
    for (size_t from = 0; from < found.len; from += width(found.data + from)) points++;
    hw_set(batch, i, at->to, hw_format("%zu", points));
}

static void reverse(hw_batch *batch, size_t i, const step *at) {
    hw_str found = hw_get(batch, i, at->field);
    char *made = hw_alloc(found.len + 1), *to = made + found.len;
    for (size_t from = 0, bytes; from < found.len; from += bytes) {
        bytes = width(found.data + from);
        to -= bytes;
        memcpy(to, found.data + from, bytes);
    }
    hw_set(batch, i, at->to, (hw_str){made, found.len});
}

/* ---- steps that change which records there are ---- */

static bool matches(hw_batch *batch, size_t i, const step *at) {
    hw_str field = hw_json_text(hw_json_member(at->json, "if")), is = hw_json_text(hw_json_member(at->json, "is"));
    if (!field.data) return true;
    hw_str found = hw_get(batch, i, field.data);
    return hw_same(found.data ? found : hw_text(""), is);
}

static bool leave_out(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    uint32_t *kept = hw_alloc((hw_batch_len(batch) + 1) * sizeof *kept);
    size_t len = 0;
    for (size_t i = 0; i < hw_batch_len(batch); i++)
        if (!matches(batch, i, at)) kept[len++] = (uint32_t)i;
    hw_select(batch, kept, len);
    return true;
}

/* Copies stand right behind their originals, and are marked. */
static bool copy(hw_batch *batch, const step *at, hw_error *error) {
    (void)error;
    size_t before = hw_batch_len(batch), len = 0;
    uint32_t *indexes = hw_alloc((2 * before + 1) * sizeof *indexes);
    bool *is_copy = hw_alloc(2 * before + 1);
    for (size_t i = 0; i < before; i++) {
        indexes[len++] = (uint32_t)i;
        if (!matches(batch, i, at)) continue;
        is_copy[len] = true;
        indexes[len++] = (uint32_t)i;
    }
    hw_select(batch, indexes, len);
    for (size_t i = 0; i < len; i++)
        if (is_copy[i]) hw_set(batch, i, at->field, hw_text("1"));
    return true;
}

static const struct {
    const char *name;
    bool (*act)(hw_batch *batch, const step *at, hw_error *error);
    void (*each)(hw_batch *batch, size_t record, const step *at);
} steps[] = {
    {"upper", all_upper, 0}, {"kind", kind, 0}, {"select", choose, 0}, {"fill", fill, 0}, {"rename", change_name, 0},
    {"delete", delete, 0}, {"batch-names", batch_names, 0}, {"count", count, 0}, {"clock", tell_time, 0}, {"fail", fail, 0},
    {"crash", crash, 0}, {"drop", leave_out, 0}, {"copy", copy, 0},
#ifndef HW_INTERFACE_0_1_0
    {"random", entropy, 0}, {"state-get", state_get, 0}, {"state-set", state_set, 0}, {"state-delete", state_delete, 0},
    {"state-keys", state_keys, 0}, {"state-replace", state_replace, 0}, {"state-create", state_create, 0},
    {"state-full", state_full, 0}, {"secret", secret, 0}, {"observe", observe, 0},
#endif
    {"event-upper", 0, event_upper}, {"text", 0, text}, {"time", 0, moment}, {"set", 0, set}, {"set-null", 0, set_null},
    {"set-bytes", 0, set_bytes}, {"remove", 0, unset}, {"names", 0, names}, {"reject", 0, reject}, {"chars", 0, chars},
    {"reverse", 0, reverse},
};

/* The place of a step in the table; its length where there is no such step. */
static size_t find(const char *name) {
    size_t i = 0;
    while (i < sizeof steps / sizeof *steps && strcmp(steps[i].name, name)) i++;
    return i;
}

static const char *member(const hw_json *json, const char *name) {
    hw_str found = hw_json_text(hw_json_member(json, name));
    return found.data ? found.data : "";
}

static step read_step(const hw_json *json) {
    return (step){json, member(json, "do"), member(json, "field"), member(json, "to"), member(json, "key")};
}

static bool is_sound(const hw_json *config, hw_error *error) {
    if (hw_json_kind_of(config) != HW_JSON_OBJECT) return hw_bad_config(error, "the configuration: expected an object");
    for (size_t i = 0; i < hw_json_len(config); i++) {
        const char *name = hw_json_name(config, i).data;
        if (strcmp(name, "steps")) return hw_bad_config(error, "%s: there is no such setting", name);
    }
    const hw_json *list = hw_json_member(config, "steps");
    if (!list) return hw_bad_config(error, "steps: this setting is required");
    if (hw_json_kind_of(list) != HW_JSON_LIST)
        return hw_bad_config(error, "steps: expected an array, not %.*s", (int)hw_json_source(list).len, hw_json_source(list).data);
    for (size_t i = 0; i < hw_json_len(list); i++) {
        const hw_json *name = hw_json_member(hw_json_item(list, i), "do");
        hw_str source = hw_json_source(name);
        if (!hw_json_text(name).data) return hw_bad_config(error, "steps[%zu].do: expected a text, not %.*s", i, (int)source.len, source.data);
        if (find(hw_json_text(name).data) == sizeof steps / sizeof *steps)
            return hw_bad_config(error, "steps[%zu].do: there is no step %s", i, hw_json_text(name).data);
    }
    return true;
}

/* The plugin is the text of its configuration. */
void *hw_open(const hw_json *config, hw_error *error) { return is_sound(config, error) ? hw_keep(hw_json_source(config)) : NULL; }
void hw_close(void *self) { free(self); }

bool hw_transform(void *self, hw_batch *batch, hw_error *error) {
    const hw_json *list = hw_json_member(hw_json_parse(hw_text(self)), "steps");
    for (size_t i = 0; i < hw_json_len(list); i++) {
        step at = read_step(hw_json_item(list, i));
        size_t known = find(at.name);
        if (steps[known].act && !steps[known].act(batch, &at, error)) return false;
        for (size_t record = 0; steps[known].each && record < hw_batch_len(batch); record++)
            if (matches(batch, record, &at)) steps[known].each(batch, record, &at);
    }
    return true;
}
