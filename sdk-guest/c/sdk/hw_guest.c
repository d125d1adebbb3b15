/* The component: what the host calls and what it offers, over the bindings that were made for the plugin's world. */
#ifdef __wasm__
#include "hw_host.h"
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

/* What crosses to the host by reference. */
static plugin_string_t lent(hw_str text) { return (plugin_string_t){(uint8_t *)(text.data ? text.data : ""), text.len}; }
static plugin_string_t lent_text(const char *text) { return lent(hw_text(text)); }

/* What the host frees. */
static plugin_string_t given(hw_str text) {
    plugin_string_t made;
    plugin_string_dup_n(&made, text.data ? text.data : "", text.len);
    return made;
}

static hw_str taken(plugin_string_t text) { return hw_copy(text.ptr, text.len); }

static void *room(size_t count, size_t size) {
    void *made = count ? malloc(count * size) : NULL;
    if (count && !made) abort();
    return made;
}

#define BATCH(handle) ((headworks_plugin_batches_borrow_batch_t){(int32_t)(handle)})

size_t hw_host_len(intptr_t batch) { return headworks_plugin_batches_method_batch_len(BATCH(batch)); }

const hw_str *hw_host_names(intptr_t batch, size_t *count) {
    plugin_list_string_t names;
    headworks_plugin_batches_method_batch_names(BATCH(batch), &names);
    hw_str *made = hw_alloc(names.len * sizeof *made);
    for (size_t i = 0; i < names.len; i++) made[i] = taken(names.ptr[i]);
    *count = names.len;
    plugin_list_string_free(&names);
    return made;
}

const hw_time *hw_host_times(intptr_t batch, size_t *count) {
    headworks_plugin_batches_list_time_t times;
    headworks_plugin_batches_method_batch_times(BATCH(batch), &times);
    hw_time *made = hw_alloc(times.len * sizeof *made);
    for (size_t i = 0; i < times.len; i++) made[i] = (hw_time){times.ptr[i].seconds, times.ptr[i].nanoseconds};
    *count = times.len;
    headworks_plugin_batches_list_time_free(&times);
    return made;
}

void hw_host_read_texts(intptr_t batch, const char *name, hw_str *texts) {
    plugin_string_t lent_name = lent_text(name);
    plugin_list_option_string_t column;
    headworks_plugin_batches_method_batch_text_column(BATCH(batch), &lent_name, &column);
    for (size_t i = 0; i < column.len; i++) texts[i] = column.ptr[i].is_some ? taken(column.ptr[i].val) : HW_NONE;
    plugin_list_option_string_free(&column);
}

void hw_host_write_texts(intptr_t batch, const char *name, const hw_str *texts, size_t count) {
    plugin_string_t lent_name = lent_text(name);
    plugin_option_string_t *items = hw_alloc(count * sizeof *items);
    for (size_t i = 0; i < count; i++) items[i] = (plugin_option_string_t){texts[i].data != NULL, lent(texts[i])};
    plugin_list_option_string_t column = {items, count};
    headworks_plugin_batches_method_batch_set_text_column(BATCH(batch), &lent_name, &column);
}

static hw_value taken_value(const headworks_plugin_batches_value_t *value) {
    switch (value->tag) {
        case HEADWORKS_PLUGIN_BATCHES_VALUE_BOOLEAN: return (hw_value){.kind = HW_BOOLEAN, .boolean = value->val.boolean};
        case HEADWORKS_PLUGIN_BATCHES_VALUE_INTEGER: return (hw_value){.kind = HW_INTEGER, .integer = value->val.integer};
        case HEADWORKS_PLUGIN_BATCHES_VALUE_FLOAT: return (hw_value){.kind = HW_FLOAT, .number = value->val.float_};
        case HEADWORKS_PLUGIN_BATCHES_VALUE_TEXT: return (hw_value){.kind = HW_TEXT, .text = taken(value->val.text)};
        case HEADWORKS_PLUGIN_BATCHES_VALUE_JSON: return (hw_value){.kind = HW_JSON, .text = taken(value->val.json)};
        case HEADWORKS_PLUGIN_BATCHES_VALUE_BYTES:
            return (hw_value){.kind = HW_BYTES, .text = hw_copy(value->val.bytes.ptr, value->val.bytes.len)};
        default: return (hw_value){.kind = HW_NULL};
    }
}

static headworks_plugin_batches_value_t lent_value(hw_value value) {
    headworks_plugin_batches_value_t made = {.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_NULL};
    switch (value.kind) {
        case HW_BOOLEAN: made.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_BOOLEAN, made.val.boolean = value.boolean; break;
        case HW_INTEGER: made.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_INTEGER, made.val.integer = value.integer; break;
        case HW_FLOAT: made.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_FLOAT, made.val.float_ = value.number; break;
        case HW_TEXT: made.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_TEXT, made.val.text = lent(value.text); break;
        case HW_JSON: made.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_JSON, made.val.json = lent(value.text); break;
        case HW_BYTES:
            made.tag = HEADWORKS_PLUGIN_BATCHES_VALUE_BYTES;
            made.val.bytes = (plugin_list_u8_t){(uint8_t *)value.text.data, value.text.len};
            break;
        case HW_NULL:
        case HW_ABSENT: break;
    }
    return made;
}

void hw_host_read(intptr_t batch, const char *name, hw_value *values) {
    plugin_string_t lent_name = lent_text(name);
    headworks_plugin_batches_list_option_value_t column;
    headworks_plugin_batches_method_batch_column(BATCH(batch), &lent_name, &column);
    for (size_t i = 0; i < column.len; i++)
        values[i] = column.ptr[i].is_some ? taken_value(&column.ptr[i].val) : (hw_value){.kind = HW_ABSENT};
    headworks_plugin_batches_list_option_value_free(&column);
}

void hw_host_write(intptr_t batch, const char *name, const hw_value *values, size_t count) {
    plugin_string_t lent_name = lent_text(name);
    headworks_plugin_batches_option_value_t *items = hw_alloc(count * sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = (headworks_plugin_batches_option_value_t){values[i].kind != HW_ABSENT, lent_value(values[i])};
    headworks_plugin_batches_list_option_value_t column = {items, count};
    headworks_plugin_batches_method_batch_set_column(BATCH(batch), &lent_name, &column);
}

void hw_host_fill(intptr_t batch, const char *name, hw_value value) {
    plugin_string_t lent_name = lent_text(name);
    headworks_plugin_batches_value_t all = lent_value(value);
    headworks_plugin_batches_method_batch_fill(BATCH(batch), &lent_name, &all);
}

void hw_host_rename(intptr_t batch, const char *name, const char *to) {
    plugin_string_t from = lent_text(name), into = lent_text(to);
    headworks_plugin_batches_method_batch_rename(BATCH(batch), &from, &into);
}

void hw_host_remove(intptr_t batch, const char *name) {
    plugin_string_t lent_name = lent_text(name);
    headworks_plugin_batches_method_batch_remove_column(BATCH(batch), &lent_name);
}

void hw_host_select(intptr_t batch, const uint32_t *indexes, size_t count) {
    plugin_list_u32_t list = {(uint32_t *)indexes, count};
    headworks_plugin_batches_method_batch_select(BATCH(batch), &list);
}

void hw_host_reject(intptr_t batch, uint32_t record, hw_str reason) {
    plugin_string_t why = lent(reason);
    headworks_plugin_batches_method_batch_reject(BATCH(batch), record, &why);
}

void hw_host_log(hw_level level, hw_str message) {
    plugin_string_t text = lent(message);
    headworks_plugin_log_write((headworks_plugin_log_level_t)level, &text);
}

/* Interface 0.1.0 has none of these: who calls them then is told by the linker. */
#ifndef HW_INTERFACE_0_1_0
hw_time hw_now(void) {
    headworks_plugin_clock_time_t now;
    headworks_plugin_clock_now(&now);
    return (hw_time){now.seconds, now.nanoseconds};
}

void hw_random(void *bytes, size_t count) {
    plugin_list_u8_t made;
    headworks_plugin_random_bytes((uint32_t)count, &made);
    memcpy(bytes, made.ptr, made.len < count ? made.len : count);
    plugin_list_u8_free(&made);
}

static bool state_is_full;

static bool state_failed(headworks_plugin_state_state_error_t *error) {
    state_is_full = error->tag == HEADWORKS_PLUGIN_STATE_STATE_ERROR_FULL;
    headworks_plugin_state_state_error_free(error);
    return false;
}

bool hw_state_is_full(void) { return state_is_full; }

bool hw_state_get(const char *key, hw_str *value) {
    plugin_string_t name = lent_text(key);
    plugin_option_list_u8_t found;
    headworks_plugin_state_state_error_t error;
    *value = HW_NONE;
    if (!headworks_plugin_state_get(&name, &found, &error)) return state_failed(&error);
    if (found.is_some) *value = hw_copy(found.val.ptr, found.val.len);
    plugin_option_list_u8_free(&found);
    return true;
}

bool hw_state_set(const char *key, hw_str value) {
    plugin_string_t name = lent_text(key);
    plugin_list_u8_t bytes = {(uint8_t *)value.data, value.len};
    headworks_plugin_state_state_error_t error;
    return headworks_plugin_state_set(&name, value.data ? &bytes : NULL, &error) || state_failed(&error);
}

bool hw_state_replace(const char *key, hw_str expected, hw_str value, bool *replaced) {
    plugin_string_t name = lent_text(key);
    plugin_list_u8_t known = {(uint8_t *)expected.data, expected.len}, bytes = {(uint8_t *)value.data, value.len};
    headworks_plugin_state_state_error_t error;
    *replaced = false;
    return headworks_plugin_state_replace(&name, expected.data ? &known : NULL, value.data ? &bytes : NULL, replaced, &error) ||
           state_failed(&error);
}

bool hw_state_keys(const char *prefix, const hw_str **keys, size_t *count) {
    plugin_string_t start = lent_text(prefix);
    plugin_list_string_t found;
    headworks_plugin_state_state_error_t error;
    *keys = NULL, *count = 0;
    if (!headworks_plugin_state_keys(&start, &found, &error)) return state_failed(&error);
    hw_str *made = hw_alloc(found.len * sizeof *made);
    for (size_t i = 0; i < found.len; i++) made[i] = taken(found.ptr[i]);
    *keys = made, *count = found.len;
    plugin_list_string_free(&found);
    return true;
}

void hw_count(const char *name, uint64_t by) {
    plugin_string_t text = lent_text(name);
    headworks_plugin_metrics_count(&text, by);
}

void hw_gauge(const char *name, double value) {
    plugin_string_t text = lent_text(name);
    headworks_plugin_metrics_gauge(&text, value);
}

hw_str hw_secret(const char *name) {
    plugin_string_t text = lent_text(name), found;
    if (!headworks_plugin_secrets_get(&text, &found)) return HW_NONE;
    hw_str made = taken(found);
    plugin_string_free(&found);
    return made;
}
#endif

void exports_headworks_plugin_plugin_describe(exports_headworks_plugin_plugin_description_t *to) {
    size_t count = 0;
    while (hw_plugin.grants && hw_plugin.grants[count]) count++;
    to->name = given(hw_text(hw_plugin.name));
    to->version = given(hw_text(hw_plugin.version));
    to->summary = given(hw_text(hw_plugin.summary));
    to->config_schema = given(hw_text(hw_plugin.config_schema));
    to->grants = (plugin_list_string_t){room(count, sizeof(plugin_string_t)), count};
    for (size_t i = 0; i < count; i++) to->grants.ptr[i] = given(hw_text(hw_plugin.grants[i]));
}

/* The configuration, or NULL with what is wrong with it. An empty text is an empty object. */
static const hw_json *configuration(plugin_string_t *text, hw_error *error) {
    hw_str copy = text->len ? taken(*text) : hw_text("{}");
    plugin_string_free(text);
    const hw_json *config = hw_json_parse(copy);
    if (!config) hw_bad_config(error, "the configuration is no JSON");
    return config;
}

static void *opened(plugin_string_t *config, hw_error *error) {
    const hw_json *json = configuration(config, error);
    return json ? hw_open(json, error) : NULL;
}

/* The functions that open and close, in the words of a world. The tags are the same in all. */
#define OPENING(interface, resource)                                                                              \
    struct exports_headworks_plugin_##interface##_##resource##_t {                                                \
        void *self;                                                                                               \
    };                                                                                                            \
    static void refused(hw_error *error, exports_headworks_plugin_##interface##_open_error_t *to) {               \
        to->tag = error->is_config ? 0 : 1;                                                                       \
        to->val.failed = given(error->why);                                                                       \
        hw_end_call();                                                                                            \
    }                                                                                                             \
    bool exports_headworks_plugin_##interface##_static_##resource##_open(                                         \
        plugin_string_t *config, exports_headworks_plugin_##interface##_own_##resource##_t *to,                   \
        exports_headworks_plugin_##interface##_open_error_t *failed) {                                            \
        hw_error error = {HW_NONE, false};                                                                        \
        void *self = opened(config, &error);                                                                      \
        if (error.why.data) return refused(&error, failed), false;                                                \
        exports_headworks_plugin_##interface##_##resource##_t *made = room(1, sizeof *made);                      \
        made->self = self;                                                                                        \
        *to = exports_headworks_plugin_##interface##_##resource##_new(made);                                      \
        hw_end_call();                                                                                            \
        return true;                                                                                              \
    }                                                                                                             \
    void exports_headworks_plugin_##interface##_##resource##_destructor(                                          \
        exports_headworks_plugin_##interface##_##resource##_t *known) {                                           \
        hw_close(known->self);                                                                                    \
        free(known);                                                                                              \
    }

#ifdef HW_TRANSFORMER
OPENING(transforming, instance)

bool exports_headworks_plugin_transforming_method_instance_transform(
    exports_headworks_plugin_transforming_borrow_instance_t known, exports_headworks_plugin_transforming_own_batch_t records,
    exports_headworks_plugin_transforming_own_batch_t *to, plugin_string_t *failed) {
    hw_batch batch = {headworks_plugin_batches_borrow_batch(records).__handle, NULL};
    hw_error error = {HW_NONE, false};
    bool done = hw_transform(known->self, &batch, &error);
    if (done) {
        hw_flush(&batch);
        *to = records;
    } else {
        *failed = given(error.why);
        headworks_plugin_batches_batch_drop_own(records);
    }
    hw_end_call();
    return done;
}
#endif

#ifdef HW_VALIDATOR
OPENING(validating, rule)

bool exports_headworks_plugin_validating_method_rule_validate(
    exports_headworks_plugin_validating_borrow_rule_t known, exports_headworks_plugin_validating_subject_t *from,
    exports_headworks_plugin_validating_list_violation_t *to, plugin_string_t *failed) {
    hw_subject subject = {taken(from->kind),     taken(from->scope),
                          taken(from->name),     (hw_operation)from->operation,
                          taken(from->document), from->previous.is_some ? taken(from->previous.val) : HW_NONE,
                          taken(from->principal)};
    exports_headworks_plugin_validating_subject_free(from);
    hw_violations found = {NULL, 0, 0};
    hw_error error = {HW_NONE, false};
    bool done = hw_validate(known->self, &subject, &found, &error);
    if (done) {
        to->ptr = room(found.len, sizeof *to->ptr);
        to->len = found.len;
        for (size_t i = 0; i < found.len; i++) {
            to->ptr[i].path = given(found.items[i].path);
            to->ptr[i].message = given(found.items[i].message);
            to->ptr[i].severity = found.items[i].is_error ? 0 : 1;
        }
    } else {
        *failed = given(error.why);
    }
    hw_end_call();
    return done;
}
#endif

#ifdef HW_FORWARDER
OPENING(forwarding, sink)

bool exports_headworks_plugin_forwarding_targets(plugin_string_t *config, plugin_list_string_t *to,
                                                 exports_headworks_plugin_forwarding_open_error_t *failed) {
    hw_error error = {HW_NONE, false};
    hw_targets_list targets = {NULL, 0, 0};
    const hw_json *json = configuration(config, &error);
    if (!json || !hw_targets(json, &targets, &error)) return refused(&error, failed), false;
    *to = (plugin_list_string_t){room(targets.len, sizeof(plugin_string_t)), targets.len};
    for (size_t i = 0; i < targets.len; i++) to->ptr[i] = given(targets.items[i]);
    hw_end_call();
    return true;
}

void exports_headworks_plugin_forwarding_method_sink_send(exports_headworks_plugin_forwarding_borrow_sink_t known,
                                                          exports_headworks_plugin_forwarding_own_batch_t records,
                                                          exports_headworks_plugin_forwarding_report_t *to) {
    hw_batch batch = {headworks_plugin_batches_borrow_batch(records).__handle, NULL};
    hw_report report = {0};
    hw_send(known->self, &batch, &report);
    headworks_plugin_batches_batch_drop_own(records);
    to->rejected.len = report.len;
    to->rejected.ptr = room(report.len, sizeof *to->rejected.ptr);
    for (size_t i = 0; i < report.len; i++) {
        to->rejected.ptr[i].index = report.rejected[i].index;
        to->rejected.ptr[i].reason = given(report.rejected[i].reason);
    }
    to->stopped.is_some = report.stopped;
    if (report.stopped) {
        to->stopped.val.at = report.stopped_at;
        to->stopped.val.reason = given(report.reason);
        to->stopped.val.retry.tag = report.retry_milliseconds ? 0 : 1;
        to->stopped.val.retry.val.after_milliseconds = report.retry_milliseconds;
    }
    hw_end_call();
}

bool exports_headworks_plugin_forwarding_method_sink_flush(exports_headworks_plugin_forwarding_borrow_sink_t known,
                                                           exports_headworks_plugin_forwarding_stop_t *failed) {
    (void)known, (void)failed;
    return true;
}

hw_response hw_http(const hw_request *request) {
    plugin_tuple2_string_string_t *headers = hw_alloc(request->header_count * sizeof *headers);
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = (plugin_tuple2_string_string_t){lent(request->headers[i][0]), lent(request->headers[i][1])};
    }
    headworks_plugin_http_request_t sent = {0};
    sent.method = lent_text(request->method);
    sent.url = lent(request->url);
    sent.headers = (plugin_list_tuple2_string_string_t){headers, request->header_count};
    sent.body = (plugin_list_u8_t){(uint8_t *)request->body.data, request->body.len};
    sent.timeout_milliseconds = request->timeout_milliseconds ? request->timeout_milliseconds : 10000;
    headworks_plugin_http_response_t answer;
    headworks_plugin_http_network_error_t error;
    hw_response made = {0};
    if (headworks_plugin_http_send(&sent, &answer, &error)) {
        made.status = answer.status;
        made.body = hw_copy(answer.body.ptr, answer.body.len);
        headworks_plugin_http_response_free(&answer);
        return made;
    }
    made.failure = taken(error.val.denied);
    made.is_passing = error.tag == HEADWORKS_PLUGIN_NETWORK_NETWORK_ERROR_UNREACHABLE ||
                      error.tag == HEADWORKS_PLUGIN_NETWORK_NETWORK_ERROR_LATE ||
                      error.tag == HEADWORKS_PLUGIN_NETWORK_NETWORK_ERROR_PROTOCOL;
    headworks_plugin_http_network_error_free(&error);
    return made;
}
#endif
#endif
