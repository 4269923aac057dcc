//! Parts of documents that every API has: what the macros of the routes cannot say, or would say again for each.

use utoipa::{
    Modify,
    openapi::{
        Components, Content, OpenApi, PathItem, Ref, RefOr, Required, ResponseBuilder, Schema,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// Every route wants a bearer token, unless it says otherwise.
pub(crate) struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_with(Components::new).add_security_scheme("bearer", scheme);
        document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    }
}

/// Every route wants a key in the header `apikey`, unless it says otherwise.
pub(crate) struct ApiKeyHeader;

impl Modify for ApiKeyHeader {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("apikey")));
        document.components.get_or_insert_with(Components::new).add_security_scheme("apikey", scheme);
        document.security = Some(vec![SecurityRequirement::new("apikey", Vec::<String>::new())]);
    }
}

/// The operations of a path.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Adds an answer with this body, unless the operation itself says something of the status.
pub(crate) fn add_error(operation: &mut Operation, body: &str, status: &str, description: &str) {
    let body = Content::new(Some(Ref::from_schema_name(body)));
    let response = ResponseBuilder::new().description(description).content("application/json", body).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}

/// Adds errors of a dialect, whose bodies are all alike.
pub(crate) fn add_errors(operation: &mut Operation, errors: &[(&str, &str)]) {
    for (status, description) in errors {
        add_error(operation, "ErrorBody", status, description);
    }
}

/// No such instance.
pub(crate) const UNKNOWN: (&str, &str) = ("404", "No such instance.");
/// The body is refused for its size.
pub(crate) const TOO_LARGE: (&str, &str) = ("413", "The body is larger than 1 MiB.");
/// Too many tokens that nobody has.
pub(crate) const GUESSED: (&str, &str) = ("429", "The address showed too many wrong tokens.");
/// Nothing can be said of the instance.
pub(crate) const DAMAGED: (&str, &str) = ("500", "The history of the instance is damaged.");
/// Another role is away.
pub(crate) const AWAY: (&str, &str) = ("503", "A part of the service does not answer; send the same again.");

/// Puts a parameter of the path before the others.
pub(crate) fn add_in_path(operation: &mut Operation, name: &str, description: &str, schema: RefOr<Schema>) {
    let parameter: Parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .build();
    operation.parameters.get_or_insert_default().insert(0, parameter.into());
}
