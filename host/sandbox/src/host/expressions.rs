//! Texts that are computed from records.

use super::{Host, Records};
use crate::Template;
use crate::bindings::headworks::plugin::expressions;
use std::sync::Arc;
use wasmtime::component::Resource;

#[allow(unreachable_pub, reason = "the generated bindings export it again")]
/// A compiled text in use by a component.
pub struct Compiled(Box<dyn Template>);

impl expressions::Host for Host {}

impl expressions::HostTemplate for Host {
    /// On a thread of its own: a parser that watches its stack does not know the one that a component's call runs on.
    async fn compile(&mut self, text: String) -> wasmtime::Result<Result<Resource<Compiled>, String>> {
        self.charge(text.len())?;
        let templates = Arc::clone(&self.templates);
        match tokio::task::spawn_blocking(move || templates.compile(&text)).await? {
            Ok(template) => Ok(Ok(self.table.push(Compiled(template))?)),
            Err(why) => Ok(Err(why)),
        }
    }

    fn texts(&mut self, handle: Resource<Compiled>, batch: Resource<Records>) -> wasmtime::Result<Vec<Result<String, String>>> {
        let Compiled(template) = self.table.get(&handle)?;
        let texts = template.texts(&self.records(&batch)?.batch);
        let size = |text: &Result<String, String>| 16 + text.as_ref().unwrap_or_else(|why| why).len();
        self.charge(texts.iter().map(size).sum())?;
        Ok(texts)
    }

    fn drop(&mut self, handle: Resource<Compiled>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
