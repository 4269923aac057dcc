//! Reading answers whose fields are known by name: what is not there is null, and never a reason to fail.

use serde_json::Value;

/// Fields of a value.
pub(crate) trait Fields {
    /// A field; null if there is none.
    fn at(&self, name: &str) -> &Value;
    /// A text; empty if there is none.
    fn text(&self, name: &str) -> &str;
    /// A list; empty if there is none.
    fn list(&self, name: &str) -> &[Value];
    /// The same, taken out.
    fn take_list(&mut self, name: &str) -> Vec<Value>;
}

// === impl Fields ===

impl Fields for Value {
    fn at(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }

    fn text(&self, name: &str) -> &str {
        self.at(name).as_str().unwrap_or_default()
    }

    fn list(&self, name: &str) -> &[Value] {
        self.at(name).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn take_list(&mut self, name: &str) -> Vec<Value> {
        self.get_mut(name).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default()
    }
}
