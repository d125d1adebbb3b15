//! A compiled script, and running it over batches.

use crate::flat::Flat;
use crate::functions::{self, Logger};
use crate::report;
use crate::target::Record;
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Context, ExpressionError, Program, ProgramInfo, TimeZone};
use vrl::parser::ast::{Expr, QueryTarget, RootExpr};
use vrl::path::{OwnedSegment, PathPrefix};

/// A script that compiled, with the memory it works in.
pub struct Script {
    source: String,
    program: Program,
    /// The fields it names, if it never uses the record as a whole.
    fields: Option<Vec<String>>,
    record: Record,
    state: RuntimeState,
}

impl Script {
    /// Compiles a script. What it logs goes to `logger`.
    ///
    /// # Errors
    /// The report for its author.
    pub fn compile(source: &str, logger: Logger) -> Result<Self, String> {
        // The report quotes the script as it was written.
        match vrl::compiler::compile(without_last_query(source), &functions::all(logger)) {
            Ok(compiled) => {
                let fields = named_fields(source, compiled.program.info());
                Ok(Self {
                    source: source.to_owned(),
                    program: compiled.program,
                    record: Record::new(fields.is_some()),
                    fields,
                    state: RuntimeState::default(),
                })
            }
            Err(diagnostics) => Err(report::compile(source, diagnostics)),
        }
    }

    /// The only fields that [`run`](Self::run) needs and answers, each once; `None` when it needs and answers whole records.
    pub fn fields(&self) -> Option<&[String]> {
        self.fields.as_deref()
    }

    /// Runs the script over every record. `reject` is told the index and the reason of those that fail; they make no record.
    /// Answers `None` when the batch is to stay as it is; of a script with [`fields`](Self::fields) the answer has just the
    /// records that changed, and those fields.
    pub fn run(&mut self, batch: Flat, mut reject: impl FnMut(u32, String)) -> Option<Flat> {
        let Self { source, program, record, state, .. } = self;
        record.begin(batch);
        // The sandbox has no time zone of its own.
        let zone = TimeZone::Named(chrono_tz::UTC);
        for index in 0..record.len() {
            record.open(index);
            state.clear();
            match program.resolve(&mut Context::new(record, state, &zone)) {
                Ok(_) | Err(ExpressionError::Return { .. }) => record.write(index),
                Err(error) => reject(index as u32, report::run(source, error)),
            }
        }
        record.end()
    }

    /// Gives the memory of an answer of [`run`](Self::run) back for the next one.
    pub fn reuse(&mut self, flat: Flat) {
        self.record.reuse(flat);
    }
}

/// The fields that a script names, unless it uses the record as a whole.
fn named_fields(source: &str, info: &ProgramInfo) -> Option<Vec<String>> {
    // This function copies the whole record, whatever path it is given.
    if source.contains("unnest") {
        return None;
    }
    let mut fields = Vec::new();
    let paths = info.target_queries.iter().chain(&info.target_assignments);
    for path in paths.filter(|path| path.prefix == PathPrefix::Event) {
        let Some(OwnedSegment::Field(name)) = path.path.segments.first() else { return None };
        fields.push(name.to_string());
    }
    fields.sort_unstable();
    fields.dedup();
    Some(fields)
}

/// The script without a `.` at its end. Scripts often end so out of habit, and it would build an object of the whole
/// record only to throw it away: the record is what was made of it, not the value of the last expression (FlowG 8).
fn without_last_query(source: &str) -> &str {
    let Ok(program) = vrl::parser::parse(source) else { return source };
    let Some(last) = program.0.last() else { return source };
    let is_record = match last.inner() {
        RootExpr::Expr(expression) => matches!(expression.inner(), Expr::Query(query)
            if query.target.inner() == &QueryTarget::External(PathPrefix::Event) && query.path.is_root()),
        RootExpr::Error(_) => false,
    };
    source.get(..last.start()).filter(|_| is_record).unwrap_or(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: &[&[(&str, &str)]]) -> Flat {
        let mut flat = Flat::default();
        for (origin, record) in records.iter().enumerate() {
            for (name, text) in *record {
                let known = flat.names.iter().position(|known| known == name);
                let field = known.unwrap_or_else(|| {
                    flat.names.push((*name).to_owned());
                    flat.names.len() - 1
                });
                flat.fields.push(field as u32);
                flat.kinds.push(4);
                flat.pool.extend_from_slice(text.as_bytes());
                flat.ends.push(flat.pool.len() as u32);
            }
            flat.rows.push(flat.fields.len() as u32);
            flat.origins.push(origin as u32);
        }
        flat
    }

    /// Every record as sorted `name=text`.
    fn texts(flat: &Flat) -> Vec<Vec<String>> {
        let cell = |cell| {
            let name = &flat.names[flat.fields[cell] as usize];
            format!("{name}={}", String::from_utf8_lossy(&flat.pool[flat.bytes(cell)]))
        };
        let record = |record| {
            let mut cells: Vec<String> = flat.row(record).map(cell).collect();
            cells.sort();
            cells
        };
        (0..flat.rows.len()).map(record).collect()
    }

    /// What the host makes of an answer that has only the fields of the script.
    fn merged(records: &[&[(&str, &str)]], fields: &[String], answer: &Flat, rejected: &[(u32, String)]) -> Vec<Vec<String>> {
        let mut merged: Vec<Vec<String>> = texts(&batch(records));
        for (place, (origin, new)) in answer.origins.iter().zip(texts(answer)).enumerate() {
            let old = &mut merged[*origin as usize];
            let name = |cell: &String| cell.split_once('=').unwrap().0.to_owned();
            old.retain(|cell| !fields.contains(&name(cell)));
            let kept: Vec<String> = old.iter().map(name).collect();
            old.extend(new.into_iter().filter(|cell| !kept.contains(&name(cell))));
            old.sort();
            assert!(place == 0 || answer.origins[place - 1] < *origin);
        }
        let failed = |index: usize| rejected.iter().any(|(record, _)| *record as usize == index);
        merged.into_iter().enumerate().filter(|(index, _)| !failed(*index)).map(|(_, record)| record).collect()
    }

    fn run(source: &str, records: &[&[(&str, &str)]]) -> (Vec<Vec<String>>, Vec<(u32, String)>) {
        let mut script = Script::compile(source, |_, _| {}).unwrap();
        let mut rejected = Vec::new();
        let mut answers = Vec::new();
        // The second run works in the memory of the first.
        for _ in 0..2 {
            rejected.clear();
            let fields = script.fields().map(<[String]>::to_vec);
            let needs = |name: &str| fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name));
            let taken: Vec<Vec<(&str, &str)>> =
                records.iter().map(|record| record.iter().copied().filter(|(name, _)| needs(name)).collect()).collect();
            let taken: Vec<&[(&str, &str)]> = taken.iter().map(Vec::as_slice).collect();
            let flat = script.run(batch(&taken), |index, reason| rejected.push((index, reason)));
            answers.push(match (&flat, &fields) {
                (None, _) => texts(&batch(records)),
                (Some(flat), None) => texts(flat),
                (Some(flat), Some(fields)) => merged(records, fields, flat, &rejected),
            });
            if let Some(flat) = flat {
                script.reuse(flat);
            }
        }
        assert_eq!(answers[0], answers[1]);
        (answers.swap_remove(0), rejected)
    }

    #[test]
    fn untouched_fields_are_copied_as_they_are() {
        let mut input = batch(&[&[("a", "1"), ("b", "2"), ("c", "3")], &[("c", "4")], &[]]);
        input.kinds[0] = 5;
        input.pool[0] = 0xff;
        let mut script = Script::compile(".c = \"new\"\nif .a == \"x\" { del(.b) }", |_, _| {}).unwrap();
        let output = script.run(input, |_, _| ()).unwrap();
        assert_eq!((output.kinds[0], output.pool[0]), (5, 0xff));
        assert_eq!(texts(&output)[1..], [["c=new"], ["c=new"]]);
    }

    #[test]
    fn a_script_that_names_its_fields_needs_no_others() {
        let fields = |source: &str| Script::compile(source, |_, _| {}).unwrap().fields().map(<[String]>::to_vec);
        let some = |fields: &[&str]| Some(fields.iter().map(|&field| field.to_owned()).collect::<Vec<_>>());
        assert_eq!(fields(".b.c = upcase!(.a.x)\n.\"d.e\" = 1\n."), some(&["a", "b", "d.e"]));
        assert_eq!(fields("if exists(.gone) { del(.old) }"), some(&["gone", "old"]));
        assert_eq!(fields("x = {\"a\": 1}\nx.a = 2\n%meta = .a"), some(&["a"]));
        assert_eq!(fields(".a, err = to_int(.b)"), some(&["a", "b"]));
        assert_eq!(fields("abort"), some(&[]));
        for whole in [". = {}", ".x = keys(.)", ".x = .[0]", ". |= {\"a\": 1}", ".l = [1]\n.x = unnest(.l)", "log(.)", "del(.)"] {
            assert_eq!(fields(whole), None, "{whole}");
        }
    }

    #[test]
    fn a_lazy_record_behaves_like_an_object() {
        // Every script runs on the lazy record, and again on an object that was made of it first.
        for source in [
            ".a = 1",
            "del(.a)",
            ".a = .b\ndel(.b)\n.b = .a",
            ".x = exists(.a)\n.y = exists(.none)\n.z = exists(.a.b)",
            ".a.b = 1",
            ".n.m.o = [1, 2]\n.n.m.o[0] = 7",
            ".n.m = 1\n.k = del(.n.m, compact: true)",
            ".n.m = 1\n.k = del(.n.m, compact: false)\n.l = .n",
            ".a = null",
            "del(.)",
            "del(.a.b)",
            ".new = del(.a)",
            ".all = .",
            ". |= {\"a\": \"merged\", \"z\": 1}",
            ". = merge(., {\"b\": 2})",
            ". = map_values(.) -> |v| { upcase(string!(v)) }",
            ".\"b.c\" = 1\n.b = {\"c\": 2}",
            ".b = {\"c\": 2}\n.\"b.c\" = 1",
            ". = [., .]",
            ".list = [1, {\"k\": 2}]\n. = unnest(.list)",
            "if .a == \"1\" { .seen = true } else { del(.b) }",
            ".a, err = to_int(.b)\n.failed = err != null",
        ] {
            let records: &[&[(&str, &str)]] = &[&[("a", "1"), ("b", "x")], &[("b", "y"), ("c.d", "2")], &[]];
            let (lazy, failed) = run(source, records);
            assert_eq!(failed, [], "{source}");
            let (whole, _) = run(&format!("whole = .\n. = whole\n{source}"), records);
            assert_eq!(lazy, whole, "{source}");
        }
    }

    #[test]
    fn runs_of_untouched_records_are_copied_together() {
        let source = "if .n == \"3\" { .n = \"three\" } else if .n == \"5\" { . = [] } else if .n == \"6\" { abort }";
        let numbers: Vec<String> = (0..9).map(|number| number.to_string()).collect();
        let records: Vec<[(&str, &str); 2]> = numbers.iter().map(|number| [("n", number.as_str()), ("m", "x")]).collect();
        let records: Vec<&[(&str, &str)]> = records.iter().map(|record| &record[..]).collect();
        let mut script = Script::compile(source, |_, _| {}).unwrap();
        let output = script.run(batch(&records), |index, _| assert_eq!(index, 6)).unwrap();
        assert_eq!(output.origins, [0, 1, 2, 3, 4, 7, 8]);
        let wanted = ["0", "1", "2", "three", "4", "7", "8"].map(|n| vec!["m=x".to_owned(), format!("n={n}")]);
        assert_eq!(texts(&output), wanted);
        assert_eq!(script.run(batch(&records[..3]), |_, _| ()), None);
        assert_eq!(script.run(Flat::default(), |_, _| ()), None);
    }

    #[test]
    fn many_names_are_kept_apart() {
        let names: Vec<String> = (0..100).map(|index| format!("field {index}")).collect();
        let record: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let (records, _) = run(".\"field 50\" = \"new\"\n.other = 1", &[&record, &record[..10]]);
        assert_eq!((records[0].len(), records[1].len()), (101, 12));
        assert!(records[0].contains(&"field 50=new".to_owned()) && records[0].contains(&"field 51=v".to_owned()));
    }

    #[test]
    fn a_failed_record_leaves_nothing_behind() {
        let (records, failed) = run(".x = 1\nif .a == \"bad\" { abort }", &[&[("a", "bad")], &[("b", "ok")]]);
        assert_eq!(records, [["b=ok", "x=1"]]);
        assert_eq!(failed.len(), 1);
    }

    #[test]
    fn the_last_query_is_left_out() {
        for (source, wanted) in
            [(".a = 1\n.", ".a = 1\n"), (".", ""), (".a", ".a"), (". = .", ". = ."), ("{ . }", "{ . }"), ("=", "=")]
        {
            assert_eq!(without_last_query(source), wanted);
        }
    }

    #[test]
    fn reports_name_place_and_code() {
        let error = Script::compile(".a = 1\n.b = to_int(.c)", |_, _| {}).err().unwrap();
        assert!(error.contains("<script>:2:") && error.contains("E103"), "{error}");
        assert!(error.ends_with(": Failed to compile VRL script"), "{error}");
        let (_, failed) = run("abort \"stop here\"", &[&[]]);
        assert!(failed[0].1.contains("stop here") && failed[0].1.contains("<script>:1:1"), "{}", failed[0].1);
    }
}
