//! Giving one event to one hook, once.

use crate::hook::{Component, Target};
use crate::queue::Told;
use crate::text::line;
use crate::{Hook, Inner};
use headworks_core::ErrorCode;
use headworks_plugins::{Config, Hear};
use headworks_registry::Event;
use headworks_sandbox::Handled;
use std::sync::Arc;
use std::time::Duration;

/// What came of one try.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The hook took it.
    Done,
    /// It may take it later; after so long, if it says so.
    Later(Option<Duration>, String),
    /// It never will.
    Never(String),
}

/// The plugin that a hook calls, opened when it is first needed.
#[derive(Default)]
pub(crate) struct Opened(Option<(Component, Arc<dyn Hear>)>);

impl Inner {
    pub(crate) async fn try_once(&self, name: &str, hook: &Hook, opened: &mut Opened, told: &Told) -> Attempt {
        match &hook.target {
            Target::Webhook(webhook) => webhook.post(&self.plugins, self.network.as_ref(), told).await,
            Target::Log => {
                let tenant = told.event.tenant;
                tracing::info!(target: "event-hook", %tenant, hook = name, "{}", log_line(&told.event));
                Attempt::Done
            }
            Target::Component(component) => self.call(component, opened, told).await,
        }
    }

    async fn call(&self, component: &Component, opened: &mut Opened, told: &Told) -> Attempt {
        let hear = match &opened.0 {
            Some((known, hear)) if known == component => Arc::clone(hear),
            _ => {
                let config = Config::Json(component.config.clone());
                match self.plugins.open_event_hook(told.event.tenant, &component.plugin, &config).await {
                    Ok(hear) => {
                        opened.0 = Some((component.clone(), Arc::clone(&hear)));
                        hear
                    }
                    Err(error) if is_passing(error.code) => return Attempt::Later(error.retry_after, line(&error.message)),
                    Err(error) => return Attempt::Never(line(&error.message)),
                }
            }
        };
        let fields = told.event.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let event = headworks_sandbox::Event { kind: told.event.kind.as_str().to_owned(), at: told.at, fields };
        match hear.handle(&event).await {
            Ok(Handled::Done) => Attempt::Done,
            Ok(Handled::RetryAfter(after, why)) => Attempt::Later(Some(after), why),
            Ok(Handled::Failed(why)) => Attempt::Never(why),
            Err(failure) if is_passing(failure.error.code) => {
                Attempt::Later(failure.error.retry_after, line(&failure.error.message))
            }
            Err(failure) => {
                // A plugin that was deleted and made again is opened anew.
                opened.0 = None;
                Attempt::Never(line(&format!("{}: {}", failure.error.code, failure.error.message)))
            }
        }
    }
}

/// Whether a failure says nothing about the next try.
fn is_passing(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::PluginSuspended | ErrorCode::Exhausted | ErrorCode::Unavailable | ErrorCode::Io)
}

/// `{TYPE} [{FIELD}={value}, …]` (NiFi Registry 22.3), on one line whatever the values hold.
fn log_line(event: &Event) -> String {
    let fields: Vec<String> = event.fields.iter().map(|(name, value)| format!("{name}={}", line(value))).collect();
    format!("{} [{}]", event.kind.as_str(), fields.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headworks_core::TenantId;
    use headworks_registry::EventKind;

    #[test]
    fn a_log_line_has_the_fields_in_order() {
        let fields = [("BUCKET_ID", "b".to_owned()), ("FLOW_ID", "f".to_owned()), ("COMMENT", "a\nb".to_owned())];
        let event = Event::new(TenantId::DEFAULT, EventKind::CreateFlowVersion, fields);
        assert_eq!(log_line(&event), "CREATE_FLOW_VERSION [BUCKET_ID=b, FLOW_ID=f, COMMENT=a\\nb]");
        assert_eq!(log_line(&Event::new(TenantId::DEFAULT, EventKind::RegistryStart, [])), "REGISTRY_START []");
    }
}
