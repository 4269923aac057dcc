//! The OpenAPI documents that are checked in are those that the code makes.

use std::path::Path;

use berth_gateway::docs::documents;
use serde_json::Value;

/// Compares each document with the one that is checked in, or writes it if `BERTH_WRITE_OPENAPI` is set.
#[test]
fn the_documents_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let documents = documents();
    for (name, document) in &documents {
        let path = folder.join(format!("{name}.json"));
        let mut made = document.to_pretty_json().unwrap();
        made.push('\n');
        if std::env::var_os("BERTH_WRITE_OPENAPI").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "openapi/{name}.json is out of date: \
             run `BERTH_WRITE_OPENAPI=1 cargo test -p berth-gateway --test openapi`"
        );
    }
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, documents.len(), "openapi/ has a file that no document makes");
}

/// What a schema's example lacks or has too much, with the schemas of its fields.
fn misfits(schemas: &Value, name: &str, schema: &Value, example: &Value) -> Vec<String> {
    let schema = match schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        Some(other) => &schemas[other],
        None => schema,
    };
    let one_of = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(part) = one_of.iter().find(|part| part["type"] != "null") {
        return if example.is_null() { Vec::new() } else { misfits(schemas, name, part, example) };
    }
    if let Some(words) = schema["enum"].as_array() {
        return if words.contains(example) { Vec::new() } else { vec![format!("{name}: {example}")] };
    }
    let (Some(properties), Some(fields)) = (schema["properties"].as_object(), example.as_object()) else {
        return Vec::new();
    };
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lacking = required.iter().filter_map(Value::as_str).filter(|field| !fields.contains_key(*field));
    let mut misfits: Vec<String> = lacking.map(|field| format!("{name} lacks {field}")).collect();
    for (field, value) in fields {
        match properties.get(field) {
            Some(schema) => misfits.extend(self::misfits(schemas, &format!("{name}.{field}"), schema, value)),
            None => misfits.push(format!("{name} has {field}")),
        }
    }
    misfits
}

/// Whether a reader sees of a schema what a value of it looks like.
fn is_shown(schemas: &Value, schema: &Value) -> bool {
    let of = |key: &str| schema[key].as_array().map(Vec::as_slice).unwrap_or_default();
    if schema.get("example").is_some() || schema.get("examples").is_some() {
        return true;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return is_shown(schemas, &schemas[name]);
    }
    let parts = ["oneOf", "anyOf", "allOf"].into_iter().flat_map(of);
    let fields = schema["properties"].as_object().into_iter().flat_map(|fields| fields.values());
    let items = schema.get("items").filter(|items| items.is_object());
    parts.chain(fields).chain(items).any(|part| is_shown(schemas, part))
}

/// Documents of documents are left to their own schemas.
#[test]
fn every_answer_of_the_native_document_has_an_example() {
    let (_, document) = documents().into_iter().find(|(name, _)| *name == "native").unwrap();
    let document = serde_json::to_value(document).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut dark = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/v1/") {
            continue;
        }
        for (method, operation) in methods.as_object().unwrap() {
            let answers = operation["responses"].as_object().into_iter().flatten();
            for (status, answer) in answers.filter(|(status, _)| status.starts_with('2')) {
                let content = &answer["content"]["application/json"];
                let has_own = content.get("example").is_some() || content.get("examples").is_some();
                if !content.is_null() && !has_own && !is_shown(schemas, &content["schema"]) {
                    dark.push(format!("{method} {path} {status}"));
                }
            }
        }
    }
    assert_eq!(dark, Vec::<String>::new());
}

#[test]
fn the_examples_of_the_native_document_are_what_their_schemas_say() {
    let (_, document) = documents().into_iter().find(|(name, _)| *name == "native").unwrap();
    let document = serde_json::to_value(document).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut seen = 0;
    for (name, schema) in schemas.as_object().unwrap() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            seen += 1;
            assert_eq!(misfits(schemas, name, schema, example), Vec::<String>::new());
        }
    }
    assert!(seen > 12, "{seen}");
}
