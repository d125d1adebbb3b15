//! What the author of a script reads when it does not compile or a record fails.

use ariadne::{Config, IndexType, Label, Report, ReportKind, Source};
use vrl::diagnostic::{Diagnostic, DiagnosticList, Severity};

const SOURCE: &str = "<script>";

/// The report of a script that does not compile. Warnings are left out (FlowG 8).
pub(crate) fn compile(script: &str, diagnostics: DiagnosticList) -> String {
    let errors = diagnostics.into_iter().filter(|diagnostic| matches!(diagnostic.severity, Severity::Bug | Severity::Error));
    let reports: Vec<String> = errors.map(|error| render(script, &error)).collect();
    format!("{}: Failed to compile VRL script", reports.join("\n"))
}

/// The reason of a record that failed.
pub(crate) fn run(script: &str, error: vrl::compiler::ExpressionError) -> String {
    let report = render(script, &Diagnostic::from(error));
    format!("failed to transform log event: {report}: Failed to execute VRL script")
}

fn render(script: &str, diagnostic: &Diagnostic) -> String {
    let range = |start: usize, end: usize| {
        let end = end.min(script.len());
        start.min(end)..end
    };
    let primary = diagnostic.labels.iter().find(|label| label.primary).or(diagnostic.labels.first());
    let at = primary.map_or(0..0, |label| range(label.span.start(), label.span.end()));
    let mut report = Report::build(ReportKind::Error, (SOURCE, at))
        .with_config(Config::default().with_color(false).with_compact(true).with_index_type(IndexType::Byte))
        .with_code(format!("E{:03}", diagnostic.code))
        .with_message(&diagnostic.message);
    for label in &diagnostic.labels {
        report =
            report.with_label(Label::new((SOURCE, range(label.span.start(), label.span.end()))).with_message(&label.message));
    }
    for note in &diagnostic.notes {
        report = report.with_note(note);
    }
    let mut text = Vec::new();
    if report.finish().write((SOURCE, Source::from(script)), &mut text).is_err() {
        return diagnostic.message.clone();
    }
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}
