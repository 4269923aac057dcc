//! Parts of documents that every API has: what the macros of the routes cannot say, or would say again for each.

use utoipa::{
    Modify,
    openapi::{
        Components, Content, OpenApi, PathItem, Ref, RefOr, Required, ResponseBuilder, Schema,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
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
