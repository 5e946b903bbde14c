//! gRPC's reflection (v1): tools such as grpcurl ask which services there are and what their messages look like.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use hyper::body::Incoming;
use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use tokio::time::timeout;

use super::frames::Messages;
use super::messages::{
    ErrorResponse, FileDescriptors, ReflectionAnswer, ReflectionQuestion, ReflectionRequest, ReflectionResponse,
    ServiceList, ServiceName,
};
use super::status::{Code, Failure};
use super::stream::Replies;
use super::{decoded, schema};
use crate::service::Connection;

/// The longest question: a name.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// What is described.
static FILES: LazyLock<Vec<FileDescriptorProto>> = LazyLock::new(schema::files);

/// Answers questions one after the other, until there are no more.
pub(super) async fn answer(connection: Arc<Connection>, body: Incoming, replies: Replies) -> Result<(), Failure> {
    let patience = connection.doors().config().request_timeout();
    let mut questions = Messages::of(body, MESSAGE_BYTES_MAX);
    while let Some(message) = timeout(patience, questions.next()).await.map_err(|_| Failure::late())?? {
        replies.send(&answer_one(decoded(&connection, message)?)).await;
    }
    Ok(())
}

/// Names of the services.
pub(super) fn services() -> impl Iterator<Item = String> {
    let of =
        |file: &'static FileDescriptorProto| file.service.iter().map(move |service| qualified(file, service.name()));
    FILES.iter().flat_map(of)
}

fn answer_one(request: ReflectionRequest) -> ReflectionResponse {
    let found = match &request.question {
        Some(ReflectionQuestion::FileByName(name)) => file(|file| file.name() == name),
        Some(ReflectionQuestion::FileOf(symbol)) => file(|file| declares(file, symbol)),
        Some(ReflectionQuestion::Services(_)) => {
            let service = services().map(|name| ServiceName { name }).collect();
            Ok(ReflectionAnswer::Services(ServiceList { service }))
        }
        // Nothing here is extended.
        Some(ReflectionQuestion::FileOfExtension(_) | ReflectionQuestion::Extensions(_)) => Err(Code::NotFound),
        None => Err(Code::InvalidArgument),
    };
    let answer = found.unwrap_or_else(|code| {
        let message = if code == Code::NotFound { "there is no such thing" } else { "expected a question" };
        ReflectionAnswer::Error(ErrorResponse { code: code as i32, message: message.to_owned() })
    });
    ReflectionResponse { host: request.host.clone(), request: Some(request), answer: Some(answer) }
}

/// The file that it holds for, with those that it needs.
fn file(holds: impl Fn(&FileDescriptorProto) -> bool) -> Result<ReflectionAnswer, Code> {
    let file = FILES.iter().find(|file| holds(file)).ok_or(Code::NotFound)?;
    let mut needed = BTreeSet::from([file.name()]);
    // Files come behind those that they need.
    for file in FILES.iter().rev() {
        if needed.contains(file.name()) {
            needed.extend(file.dependency.iter().map(String::as_str));
        }
    }
    let others = FILES.iter().filter(|other| needed.contains(other.name()) && other.name() != file.name());
    let bytes = std::iter::once(file).chain(others).map(FileDescriptorProto::encode_to_vec).collect();
    Ok(ReflectionAnswer::Files(FileDescriptors { bytes }))
}

/// Whether a service, a method, a message or an enumeration is of this file.
fn declares(file: &FileDescriptorProto, symbol: &str) -> bool {
    let within = |whole: &str| symbol == whole || symbol.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
    let of_service = file.service.iter().any(|service| {
        let name = qualified(file, service.name());
        symbol == name || service.method.iter().any(|method| symbol == format!("{name}.{}", method.name()))
    });
    // What stands in a message is of its file too.
    let messages = file.message_type.iter().map(DescriptorProto::name);
    let mut names = messages.chain(file.enum_type.iter().map(EnumDescriptorProto::name));
    of_service || names.any(|name| within(&qualified(file, name)))
}

fn qualified(file: &FileDescriptorProto, name: &str) -> String {
    format!("{}.{name}", file.package())
}
