//! The files that reflection describes.

use super::schema::Count::{Many, One, OneOf};
use super::schema::Kind::{Bool, Bytes, Enum, Int32, Map, Message, Text};
use super::schema::{Field, File, Method};

const BOOL_VALUE: &str = ".google.protobuf.BoolValue";
const HEADER_VALUE_OPTION: &str = ".envoy.config.core.v3.HeaderValueOption";
const ATTRIBUTES: &str = ".envoy.service.auth.v3.AttributeContext";

pub(super) static FILES: [File; 9] = [
    File {
        name: "google/protobuf/wrappers.proto",
        package: "google.protobuf",
        needs: &[],
        messages: &[("BoolValue", &[Field("value", 1, Bool, One)])],
        enums: &[],
        services: &[],
    },
    File {
        name: "google/rpc/status.proto",
        package: "google.rpc",
        needs: &[],
        messages: &[("Status", &[Field("code", 1, Int32, One)])],
        enums: &[],
        services: &[],
    },
    File {
        name: "envoy/type/v3/http_status.proto",
        package: "envoy.type.v3",
        needs: &[],
        messages: &[("HttpStatus", &[Field("code", 1, Enum(".envoy.type.v3.StatusCode"), One)])],
        enums: &[(
            "StatusCode",
            &[("Empty", 0), ("OK", 200), ("Unauthorized", 401), ("Forbidden", 403), ("TooManyRequests", 429)],
        )],
        services: &[],
    },
    File {
        name: "envoy/config/core/v3/address.proto",
        package: "envoy.config.core.v3",
        needs: &[],
        messages: &[
            ("SocketAddress", &[Field("address", 2, Text, One)]),
            (
                "Address",
                &[Field("socket_address", 1, Message(".envoy.config.core.v3.SocketAddress"), OneOf("address"))],
            ),
        ],
        enums: &[],
        services: &[],
    },
    File {
        name: "envoy/config/core/v3/base.proto",
        package: "envoy.config.core.v3",
        needs: &["google/protobuf/wrappers.proto"],
        messages: &[
            (
                "HeaderValue",
                &[Field("key", 1, Text, One), Field("value", 2, Text, One), Field("raw_value", 3, Bytes, One)],
            ),
            (
                "HeaderValueOption",
                &[
                    Field("header", 1, Message(".envoy.config.core.v3.HeaderValue"), One),
                    Field("append", 2, Message(BOOL_VALUE), One),
                ],
            ),
            ("HeaderMap", &[Field("headers", 1, Message(".envoy.config.core.v3.HeaderValue"), Many)]),
        ],
        enums: &[],
        services: &[],
    },
    File {
        name: "envoy/service/auth/v3/attribute_context.proto",
        package: "envoy.service.auth.v3",
        needs: &["envoy/config/core/v3/address.proto", "envoy/config/core/v3/base.proto"],
        messages: &[
            (
                "AttributeContext",
                &[
                    Field("source", 1, Message(".envoy.service.auth.v3.AttributeContext.Peer"), One),
                    Field("request", 4, Message(".envoy.service.auth.v3.AttributeContext.Request"), One),
                    Field("context_extensions", 10, Map, Many),
                ],
            ),
            ("AttributeContext.Peer", &[Field("address", 1, Message(".envoy.config.core.v3.Address"), One)]),
            (
                "AttributeContext.Request",
                &[Field("http", 2, Message(".envoy.service.auth.v3.AttributeContext.HttpRequest"), One)],
            ),
            (
                "AttributeContext.HttpRequest",
                &[
                    Field("method", 2, Text, One),
                    Field("headers", 3, Map, Many),
                    Field("path", 4, Text, One),
                    Field("host", 5, Text, One),
                    Field("body", 11, Text, One),
                    Field("raw_body", 12, Bytes, One),
                    Field("header_map", 13, Message(".envoy.config.core.v3.HeaderMap"), One),
                ],
            ),
        ],
        enums: &[],
        services: &[],
    },
    File {
        name: "envoy/service/auth/v3/external_auth.proto",
        package: "envoy.service.auth.v3",
        needs: &[
            "envoy/service/auth/v3/attribute_context.proto",
            "envoy/config/core/v3/base.proto",
            "envoy/type/v3/http_status.proto",
            "google/rpc/status.proto",
        ],
        messages: &[
            ("CheckRequest", &[Field("attributes", 1, Message(ATTRIBUTES), One)]),
            (
                "DeniedHttpResponse",
                &[
                    Field("status", 1, Message(".envoy.type.v3.HttpStatus"), One),
                    Field("headers", 2, Message(HEADER_VALUE_OPTION), Many),
                    Field("body", 3, Text, One),
                ],
            ),
            (
                "OkHttpResponse",
                &[
                    Field("headers", 2, Message(HEADER_VALUE_OPTION), Many),
                    Field("headers_to_remove", 5, Text, Many),
                    Field("response_headers_to_add", 6, Message(HEADER_VALUE_OPTION), Many),
                    Field("query_parameters_to_remove", 8, Text, Many),
                ],
            ),
            (
                "CheckResponse",
                &[
                    Field("status", 1, Message(".google.rpc.Status"), One),
                    Field(
                        "denied_response",
                        2,
                        Message(".envoy.service.auth.v3.DeniedHttpResponse"),
                        OneOf("http_response"),
                    ),
                    Field("ok_response", 3, Message(".envoy.service.auth.v3.OkHttpResponse"), OneOf("http_response")),
                ],
            ),
        ],
        enums: &[],
        services: &[(
            "Authorization",
            &[Method(
                "Check",
                ".envoy.service.auth.v3.CheckRequest",
                false,
                ".envoy.service.auth.v3.CheckResponse",
                false,
            )],
        )],
    },
    File {
        name: "grpc/health/v1/health.proto",
        package: "grpc.health.v1",
        needs: &[],
        messages: &[
            ("HealthCheckRequest", &[Field("service", 1, Text, One)]),
            (
                "HealthCheckResponse",
                &[Field("status", 1, Enum(".grpc.health.v1.HealthCheckResponse.ServingStatus"), One)],
            ),
        ],
        enums: &[(
            "HealthCheckResponse.ServingStatus",
            &[("UNKNOWN", 0), ("SERVING", 1), ("NOT_SERVING", 2), ("SERVICE_UNKNOWN", 3)],
        )],
        services: &[(
            "Health",
            &[
                Method(
                    "Check",
                    ".grpc.health.v1.HealthCheckRequest",
                    false,
                    ".grpc.health.v1.HealthCheckResponse",
                    false,
                ),
                Method(
                    "Watch",
                    ".grpc.health.v1.HealthCheckRequest",
                    false,
                    ".grpc.health.v1.HealthCheckResponse",
                    true,
                ),
            ],
        )],
    },
    File {
        name: "grpc/reflection/v1/reflection.proto",
        package: "grpc.reflection.v1",
        needs: &[],
        messages: &[
            (
                "ServerReflectionRequest",
                &[
                    Field("host", 1, Text, One),
                    Field("file_by_filename", 3, Text, OneOf("message_request")),
                    Field("file_containing_symbol", 4, Text, OneOf("message_request")),
                    Field(
                        "file_containing_extension",
                        5,
                        Message(".grpc.reflection.v1.ExtensionRequest"),
                        OneOf("message_request"),
                    ),
                    Field("all_extension_numbers_of_type", 6, Text, OneOf("message_request")),
                    Field("list_services", 7, Text, OneOf("message_request")),
                ],
            ),
            ("ExtensionRequest", &[Field("containing_type", 1, Text, One), Field("extension_number", 2, Int32, One)]),
            (
                "ServerReflectionResponse",
                &[
                    Field("valid_host", 1, Text, One),
                    Field("original_request", 2, Message(".grpc.reflection.v1.ServerReflectionRequest"), One),
                    Field(
                        "file_descriptor_response",
                        4,
                        Message(".grpc.reflection.v1.FileDescriptorResponse"),
                        OneOf("message_response"),
                    ),
                    Field(
                        "list_services_response",
                        6,
                        Message(".grpc.reflection.v1.ListServiceResponse"),
                        OneOf("message_response"),
                    ),
                    Field("error_response", 7, Message(".grpc.reflection.v1.ErrorResponse"), OneOf("message_response")),
                ],
            ),
            ("FileDescriptorResponse", &[Field("file_descriptor_proto", 1, Bytes, Many)]),
            ("ListServiceResponse", &[Field("service", 1, Message(".grpc.reflection.v1.ServiceResponse"), Many)]),
            ("ServiceResponse", &[Field("name", 1, Text, One)]),
            ("ErrorResponse", &[Field("error_code", 1, Int32, One), Field("error_message", 2, Text, One)]),
        ],
        enums: &[],
        services: &[(
            "ServerReflection",
            &[Method(
                "ServerReflectionInfo",
                ".grpc.reflection.v1.ServerReflectionRequest",
                true,
                ".grpc.reflection.v1.ServerReflectionResponse",
                true,
            )],
        )],
    },
];
