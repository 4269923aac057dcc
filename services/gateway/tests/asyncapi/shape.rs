//! What JSON values that were seen have in common, as a JSON Schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The shape of the values that were seen at one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    types: BTreeSet<&'static str>,
    /// Whether every text was a moment.
    has_other_texts: bool,
    fields: BTreeMap<String, Shape>,
    items: Option<Box<Shape>>,
    objects: usize,
    /// How often it was seen.
    seen: usize,
}

// === impl Shape ===

impl Shape {
    /// Takes one more value.
    pub(crate) fn see(&mut self, value: &Value) {
        self.seen += 1;
        self.types.insert(match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(text) => {
                self.has_other_texts |= !is_moment(text);
                "string"
            }
            Value::Array(items) => {
                let shape = self.items.get_or_insert_default();
                for item in items {
                    shape.see(item);
                }
                "array"
            }
            Value::Object(fields) => {
                self.objects += 1;
                for (name, value) in fields {
                    self.fields.entry(name.clone()).or_default().see(value);
                }
                "object"
            }
        });
    }

    /// The schema that all of them satisfy.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = Map::new();
        match self.types.iter().copied().collect::<Vec<_>>().as_slice() {
            [] => {}
            [one] => drop(schema.insert("type".to_owned(), json!(one))),
            several => drop(schema.insert("type".to_owned(), json!(several))),
        }
        if self.types.contains("string") && !self.has_other_texts {
            schema.insert("format".to_owned(), json!("date-time"));
        }
        if let Some(items) = self.items.as_ref().filter(|items| items.seen > 0) {
            schema.insert("items".to_owned(), items.schema());
        }
        if self.types.contains("object") {
            let always = self.fields.iter().filter(|(_, shape)| shape.seen == self.objects);
            let required: Vec<&String> = always.map(|(name, _)| name).collect();
            if !required.is_empty() {
                schema.insert("required".to_owned(), json!(required));
            }
            let fields = self.fields.iter().map(|(name, shape)| (name.clone(), shape.schema()));
            schema.insert("properties".to_owned(), Value::Object(fields.collect()));
        }
        Value::Object(schema)
    }
}

fn is_moment(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z')
}
