//! The messages of Envoy's external authorization and of gRPC's health check and reflection: those of their fields that are read or
//! written here, by the numbers that Envoy gives them. What else stands in a message is passed over.
//!
//! Texts of a client's request are bytes: protobuf would refuse a whole message for one header that is no UTF-8. A map is on
//! the wire what a list of its entries is, and as a list it keeps them all, in their order.

use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};

/// `envoy.service.auth.v3.CheckRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct CheckRequest {
    /// What it is about.
    #[prost(message, optional, tag = "1")]
    pub attributes: Option<Attributes>,
}

/// `envoy.service.auth.v3.AttributeContext`.
#[derive(Clone, PartialEq, Message)]
pub struct Attributes {
    /// Who sent the request.
    #[prost(message, optional, tag = "1")]
    pub source: Option<Peer>,
    /// The request.
    #[prost(message, optional, tag = "4")]
    pub request: Option<Request>,
    /// What Envoy's configuration says for the route.
    #[prost(message, repeated, tag = "10")]
    pub context_extensions: Vec<Entry>,
}

/// `AttributeContext.Peer`.
#[derive(Clone, PartialEq, Message)]
pub struct Peer {
    /// Its address.
    #[prost(message, optional, tag = "1")]
    pub address: Option<Address>,
}

/// `envoy.config.core.v3.Address`.
#[derive(Clone, PartialEq, Message)]
pub struct Address {
    /// An IP address and port.
    #[prost(message, optional, tag = "1")]
    pub socket_address: Option<SocketAddress>,
}

/// `envoy.config.core.v3.SocketAddress`.
#[derive(Clone, PartialEq, Message)]
pub struct SocketAddress {
    /// The IP address.
    #[prost(bytes = "bytes", tag = "2")]
    pub address: Bytes,
}

/// `AttributeContext.Request`.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// The request as HTTP.
    #[prost(message, optional, tag = "2")]
    pub http: Option<HttpRequest>,
}

/// `AttributeContext.HttpRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct HttpRequest {
    /// The method.
    #[prost(bytes = "bytes", tag = "2")]
    pub method: Bytes,
    /// The header lines, those of one name joined with commas: a map.
    #[prost(message, repeated, tag = "3")]
    pub headers: Vec<Entry>,
    /// The target, query included.
    #[prost(bytes = "bytes", tag = "4")]
    pub path: Bytes,
    /// The host.
    #[prost(bytes = "bytes", tag = "5")]
    pub host: Bytes,
    /// The body as text, in which what is none was replaced.
    #[prost(bytes = "bytes", tag = "11")]
    pub body: Bytes,
    /// The body as it came, where Envoy is told to send it so.
    #[prost(bytes = "bytes", tag = "12")]
    pub raw_body: Bytes,
    /// The header lines as they came, where Envoy is told to send them so.
    #[prost(message, optional, tag = "13")]
    pub header_map: Option<HeaderMap>,
}

/// An entry of a map.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// Its key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// Its value.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// `envoy.config.core.v3.HeaderMap`.
#[derive(Clone, PartialEq, Message)]
pub struct HeaderMap {
    /// The lines.
    #[prost(message, repeated, tag = "1")]
    pub headers: Vec<HeaderValue>,
}

/// `envoy.config.core.v3.HeaderValue`.
#[derive(Clone, PartialEq, Message)]
pub struct HeaderValue {
    /// The name.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The value.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
    /// The value in the place of the one before, where it may be no text.
    #[prost(bytes = "bytes", tag = "3")]
    pub raw_value: Bytes,
}

/// `envoy.service.auth.v3.CheckResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct CheckResponse {
    /// Whether it may pass.
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    /// What Envoy does.
    #[prost(oneof = "Outcome", tags = "2, 3")]
    pub outcome: Option<Outcome>,
}

/// What Envoy does with the request.
#[derive(Clone, PartialEq, Oneof)]
pub enum Outcome {
    /// It answers it.
    #[prost(message, tag = "2")]
    Denied(Denied),
    /// It passes it on.
    #[prost(message, tag = "3")]
    Allowed(Allowed),
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// A code of gRPC.
    #[prost(int32, tag = "1")]
    pub code: i32,
}

/// `envoy.service.auth.v3.DeniedHttpResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct Denied {
    /// The status.
    #[prost(message, optional, tag = "1")]
    pub status: Option<HttpStatus>,
    /// Its header lines.
    #[prost(message, repeated, tag = "2")]
    pub headers: Vec<HeaderOption>,
    /// Its body.
    #[prost(bytes = "bytes", tag = "3")]
    pub body: Bytes,
}

/// `envoy.type.v3.HttpStatus`.
#[derive(Clone, PartialEq, Message)]
pub struct HttpStatus {
    /// The number.
    #[prost(int32, tag = "1")]
    pub code: i32,
}

/// `envoy.service.auth.v3.OkHttpResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct Allowed {
    /// Header lines that the protected service gets.
    #[prost(message, repeated, tag = "2")]
    pub headers: Vec<HeaderOption>,
    /// Names of headers that it does not get.
    #[prost(string, repeated, tag = "5")]
    pub headers_to_remove: Vec<String>,
    /// Header lines that the client gets with the service's answer.
    #[prost(message, repeated, tag = "6")]
    pub response_headers_to_add: Vec<HeaderOption>,
    /// Parameters of the query that the service does not get.
    #[prost(string, repeated, tag = "8")]
    pub query_parameters_to_remove: Vec<String>,
}

/// `envoy.config.core.v3.HeaderValueOption`.
#[derive(Clone, PartialEq, Message)]
pub struct HeaderOption {
    /// The line.
    #[prost(message, optional, tag = "1")]
    pub header: Option<HeaderValue>,
    /// Whether it stands beside those that are there already (`google.protobuf.BoolValue`).
    #[prost(message, optional, tag = "2")]
    pub append: Option<Flag>,
}

/// `google.protobuf.BoolValue`.
#[derive(Clone, PartialEq, Message)]
pub struct Flag {
    /// The value.
    #[prost(bool, tag = "1")]
    pub value: bool,
}

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct HealthRequest {
    /// Which service; empty: all.
    #[prost(bytes = "bytes", tag = "1")]
    pub service: Bytes,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct HealthResponse {
    /// How it is.
    #[prost(enumeration = "Serving", tag = "1")]
    pub status: i32,
}

/// `HealthCheckResponse.ServingStatus`.
#[allow(clippy::enum_variant_names, reason = "gRPC's own words")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Serving {
    /// Not said.
    Unknown = 0,
    /// Verdicts are given.
    Serving = 1,
    /// They are not.
    NotServing = 2,
    /// There is no such service.
    ServiceUnknown = 3,
}

/// `grpc.reflection.v1.ServerReflectionRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct ReflectionRequest {
    /// The host that is asked.
    #[prost(string, tag = "1")]
    pub host: String,
    /// What is asked.
    #[prost(oneof = "ReflectionQuestion", tags = "3, 4, 5, 6, 7")]
    pub question: Option<ReflectionQuestion>,
}

/// What is asked of a schema.
#[derive(Clone, PartialEq, Oneof)]
pub enum ReflectionQuestion {
    /// The file of this name.
    #[prost(string, tag = "3")]
    FileByName(String),
    /// The file that declares this.
    #[prost(string, tag = "4")]
    FileOf(String),
    /// The file that declares an extension.
    #[prost(message, tag = "5")]
    FileOfExtension(ExtensionName),
    /// The extensions of a message.
    #[prost(string, tag = "6")]
    Extensions(String),
    /// All services; the text means nothing.
    #[prost(string, tag = "7")]
    Services(String),
}

/// `grpc.reflection.v1.ExtensionRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct ExtensionName {
    /// What is extended.
    #[prost(string, tag = "1")]
    pub message: String,
    /// By which number.
    #[prost(int32, tag = "2")]
    pub number: i32,
}

/// `grpc.reflection.v1.ServerReflectionResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct ReflectionResponse {
    /// The host that was asked.
    #[prost(string, tag = "1")]
    pub host: String,
    /// What was asked.
    #[prost(message, optional, tag = "2")]
    pub request: Option<ReflectionRequest>,
    /// What is said.
    #[prost(oneof = "ReflectionAnswer", tags = "4, 6, 7")]
    pub answer: Option<ReflectionAnswer>,
}

/// What is said of a schema.
#[derive(Clone, PartialEq, Oneof)]
pub enum ReflectionAnswer {
    /// Files.
    #[prost(message, tag = "4")]
    Files(FileDescriptors),
    /// Services.
    #[prost(message, tag = "6")]
    Services(ServiceList),
    /// There is no such thing.
    #[prost(message, tag = "7")]
    Error(ErrorResponse),
}

/// `grpc.reflection.v1.FileDescriptorResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct FileDescriptors {
    /// Each a `google.protobuf.FileDescriptorProto`.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub bytes: Vec<Vec<u8>>,
}

/// `grpc.reflection.v1.ListServiceResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct ServiceList {
    /// The services.
    #[prost(message, repeated, tag = "1")]
    pub service: Vec<ServiceName>,
}

/// `grpc.reflection.v1.ServiceResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct ServiceName {
    /// With its package.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// `grpc.reflection.v1.ErrorResponse`.
#[derive(Clone, PartialEq, Message)]
pub struct ErrorResponse {
    /// A code of gRPC.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// In words.
    #[prost(string, tag = "2")]
    pub message: String,
}
