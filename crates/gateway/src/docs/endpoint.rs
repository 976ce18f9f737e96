//! One endpoint's description, and how it becomes an operation of the document.

use protocol::Code;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{
        Components, HttpMethod, Object, Ref, RefOr, Required, Type,
        content::ContentBuilder,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        response::{Response, ResponseBuilder},
        schema::{ObjectBuilder, Schema},
        security::SecurityRequirement,
    },
};

pub(super) const SECURITY: &str = "merchant_signature";
/// Headers of every signed answer, in the order of the wire (§1.6).
pub(super) const SIGNED_HEADERS: [(&str, &str); 6] = [
    ("Request-ID", "Unique per request; name it when you ask for help."),
    ("Wechatpay-Timestamp", "Unix seconds."),
    ("Wechatpay-Nonce", "32 random characters."),
    (
        "Wechatpay-Signature",
        "Base64 of RSASSA-PKCS1-v1_5 with SHA-256 over timestamp, nonce and body, a line each.",
    ),
    ("Wechatpay-Serial", "The key that signed: a certificate serial, or PUB_KEY_ID_ and digits."),
    ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048."),
];

/// An example with more members.
pub(super) fn extended(mut example: Value, more: Value) -> Value {
    if let (Some(example), Value::Object(more)) = (example.as_object_mut(), more) {
        example.extend(more);
    }
    example
}

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A merchant, by signature.
    Merchant,
    /// Anyone with an application's secret.
    Application,
    /// Whoever works on the sandbox's machine.
    Local,
}

/// An endpoint under description.
pub(super) struct Endpoint {
    pub(super) method: HttpMethod,
    pub(super) path: &'static str,
    pub(super) operation: Operation,
}

/// Builds an [`Endpoint`].
pub(super) struct Describe<'a> {
    method: HttpMethod,
    path: &'static str,
    caller: Caller,
    operation: OperationBuilder,
    codes: Vec<Code>,
    schemas: &'a mut BTreeMap<String, RefOr<Schema>>,
}

impl<'a> Describe<'a> {
    pub(super) fn new(
        caller: Caller,
        method: HttpMethod,
        path: &'static str,
        tag: &str,
        id: &str,
        schemas: &'a mut BTreeMap<String, RefOr<Schema>>,
    ) -> Self {
        let operation = OperationBuilder::new().tag(tag).operation_id(Some(id));
        let operation = match caller {
            Caller::Merchant => {
                operation.security(SecurityRequirement::new(SECURITY, std::iter::empty::<String>()))
            }
            Caller::Application | Caller::Local => operation,
        };
        Self { method, path, caller, operation, codes: Vec::new(), schemas }
    }
    /// One line in both languages, and what a reader must know.
    pub(super) fn text(mut self, summary: &str, description: &str) -> Self {
        self.operation = self.operation.summary(Some(summary)).description(Some(description));
        self
    }
    /// A variable of the path.
    pub(super) fn variable(mut self, name: &str, description: &str, pattern: &str) -> Self {
        self.operation =
            self.operation.parameter(parameter(ParameterIn::Path, name, description, pattern, true));
        self
    }
    /// A query parameter.
    pub(super) fn query(mut self, name: &str, description: &str, pattern: &str, required: bool) -> Self {
        let parameter = parameter(ParameterIn::Query, name, description, pattern, required);
        self.operation = self.operation.parameter(parameter);
        self
    }
    /// A header beside those every request has.
    pub(super) fn header(mut self, name: &str, description: &str) -> Self {
        let parameter = parameter(ParameterIn::Header, name, description, "^[0-9A-Za-z_]{1,64}$", false);
        self.operation = self.operation.parameter(parameter);
        self
    }
    /// The body.
    pub(super) fn body<T: ToSchema>(mut self, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(self.named::<T>())).example(Some(example)).build();
        let body: RequestBody = RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content("application/json", content)
            .build();
        self.operation = self.operation.request_body(Some(body));
        self
    }
    /// A 2xx answer with a body.
    pub(super) fn answer<T: ToSchema>(self, status: &str, description: &str, example: Value) -> Self {
        let mut this = self;
        let content = ContentBuilder::new().schema(Some(this.named::<T>())).example(Some(example)).build();
        let response = this.response(description).content("application/json", content).build();
        this.operation = this.operation.response(status, response);
        this
    }
    /// A file of one of these types, unsigned.
    pub(super) fn file(mut self, status: &str, description: &str, types: &[&str]) -> Self {
        let response = ResponseBuilder::new()
            .description(description)
            .header_ref("Request-ID", Ref::new("#/components/headers/Request-ID"));
        let response = types.iter().fold(response, |response, kind| {
            let schema: Object = ObjectBuilder::new().schema_type(Type::String).build();
            response.content(*kind, ContentBuilder::new().schema(Some(schema)).build())
        });
        self.operation = self.operation.response(status, response.build());
        self
    }
    /// A 2xx answer without a body.
    pub(super) fn empty(mut self, status: &str, description: &str) -> Self {
        let response = self.response(description).build();
        self.operation = self.operation.response(status, response);
        self
    }
    /// Codes beyond those that every endpoint of its kind answers.
    pub(super) fn codes(mut self, codes: &[Code]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }
    /// Adds the errors and ends.
    pub(super) fn end(mut self) -> Endpoint {
        match self.caller {
            Caller::Merchant => self = self.merchant_errors(),
            Caller::Local => self = self.problems(),
            Caller::Application => {}
        }
        Endpoint { method: self.method, path: self.path, operation: self.operation.build() }
    }

    fn response(&self, description: &str) -> ResponseBuilder {
        let response = ResponseBuilder::new().description(description);
        match self.caller {
            Caller::Merchant => SIGNED_HEADERS.iter().fold(response, |response, (name, _)| {
                response.header_ref(*name, Ref::new(format!("#/components/headers/{name}")))
            }),
            Caller::Application | Caller::Local => response,
        }
    }

    /// The codes of one status share a response that explains each.
    fn merchant_errors(mut self) -> Self {
        const EVERYWHERE: [Code; 6] = [
            Code::ParamError,
            Code::InvalidRequest,
            Code::SignError,
            Code::FrequencyLimited,
            Code::SystemError,
            Code::ServiceUnavailable,
        ];
        let error = self.named::<super::order_schemas::Error>();
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in EVERYWHERE.into_iter().chain(std::mem::take(&mut self.codes)) {
            let codes = by_status.entry(code.status()).or_default();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        for (status, codes) in by_status {
            let lines: Vec<String> =
                codes.iter().map(|code| format!("- `{}`: {}", code.wire(), code.text().en)).collect();
            let first = codes[0];
            let example = serde_json::json!({ "code": first.wire(), "message": first.text().zh });
            let content = ContentBuilder::new().schema(Some(error.clone())).example(Some(example)).build();
            let response = ResponseBuilder::new()
                .description(lines.join("\n"))
                .header_ref("Request-ID", Ref::new("#/components/headers/Request-ID"))
                .content("application/json", content)
                .build();
            self.operation = self.operation.response(status.to_string(), response);
        }
        self
    }

    fn problems(mut self) -> Self {
        let problem = self.named::<super::other_schemas::Problem>();
        for (status, description) in [
            ("400", "The request can't be carried out; `detail` says why."),
            ("403", "A rule says no, or the request came from a page of another site."),
            ("404", "There is no such thing, or the request was not made on this machine."),
            ("413", "The body has more than 16 KiB."),
            ("429", "Too many commands are waiting; try again in a moment."),
            ("500", "A fault of ours; the server's log tells more."),
            ("503", "The server is shutting down."),
        ] {
            let content = ContentBuilder::new().schema(Some(problem.clone())).build();
            let response: Response = ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content)
                .build();
            self.operation = self.operation.response(status, response);
        }
        self
    }

    /// A reference to a schema, which is entered with all it refers to.
    fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name();
        let mut inner = vec![(name.to_string(), T::schema())];
        T::schemas(&mut inner);
        self.schemas.extend(inner);
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

fn parameter(place: ParameterIn, name: &str, description: &str, pattern: &str, required: bool) -> Parameter {
    let schema: Object = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if required { Required::True } else { Required::False })
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// The headers that answers refer to.
pub(super) fn enter_headers(components: &mut Components) {
    for (name, description) in SIGNED_HEADERS {
        let header = utoipa::openapi::header::HeaderBuilder::new().description(Some(description)).build();
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
}
