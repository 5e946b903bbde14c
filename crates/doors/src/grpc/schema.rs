//! What the messages look like, as reflection describes it: the fields that are read or written here, under the names and numbers
//! of Envoy's and gRPC's own files. Those have more of them; what is not here is passed over.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    MessageOptions, MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

use super::schema_files::FILES;

/// A file and what it declares; those that it needs stand before it.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    pub(super) needs: &'static [&'static str],
    /// Names with those of the messages that they stand in before them.
    pub(super) messages: &'static [(&'static str, &'static [Field])],
    pub(super) enums: &'static [(&'static str, &'static [(&'static str, i32)])],
    pub(super) services: &'static [(&'static str, &'static [Method])],
}

/// A field: its name, its number, what it holds, and how many.
pub(super) struct Field(pub(super) &'static str, pub(super) i32, pub(super) Kind, pub(super) Count);

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Bytes,
    Int32,
    Bool,
    /// Texts by texts.
    Map,
    Message(&'static str),
    Enum(&'static str),
}

/// How many a field holds.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Count {
    One,
    Many,
    /// One of those with this name, or none.
    OneOf(&'static str),
}

/// A method: its name, what it takes and gives, and whether each of both is a stream.
pub(super) struct Method(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) bool,
    pub(super) &'static str,
    pub(super) bool,
);

/// The files as tools read them, those that others need before them.
pub(super) fn files() -> Vec<FileDescriptorProto> {
    FILES.iter().map(File::described).collect()
}

// === impl File ===

impl File {
    fn described(&self) -> FileDescriptorProto {
        let mut described = FileDescriptorProto {
            name: Some(self.name.to_owned()),
            package: Some(self.package.to_owned()),
            dependency: self.needs.iter().map(|name| (*name).to_owned()).collect(),
            service: self.services.iter().map(|(name, methods)| service(name, methods)).collect(),
            syntax: Some("proto3".to_owned()),
            ..FileDescriptorProto::default()
        };
        for (path, fields) in self.messages {
            let (around, name) = path.rsplit_once('.').unwrap_or(("", path));
            let qualified = format!(".{}.{path}", self.package);
            place(&mut described.message_type, around).push(message(name, &qualified, fields));
        }
        for (path, values) in self.enums {
            match path.rsplit_once('.') {
                None => described.enum_type.push(enumeration(path, values)),
                Some((around, name)) => {
                    let (before, last) = around.rsplit_once('.').unwrap_or(("", around));
                    let around = place(&mut described.message_type, before);
                    let message = around.iter_mut().filter(|message| message.name() == last);
                    message.for_each(|message| message.enum_type.push(enumeration(name, values)));
                }
            }
        }
        described
    }
}

/// Where the messages are that stand in the message of this path.
fn place<'m>(messages: &'m mut Vec<DescriptorProto>, path: &str) -> &'m mut Vec<DescriptorProto> {
    path.split('.').filter(|name| !name.is_empty()).fold(messages, |messages, name| {
        let at = messages.iter().position(|message| message.name() == name).unwrap_or_else(|| {
            messages.push(DescriptorProto { name: Some(name.to_owned()), ..DescriptorProto::default() });
            messages.len() - 1
        });
        &mut messages[at].nested_type
    })
}

fn message(name: &str, qualified: &str, fields: &[Field]) -> DescriptorProto {
    let mut described = DescriptorProto { name: Some(name.to_owned()), ..DescriptorProto::default() };
    for Field(name, number, kind, count) in fields {
        let mut field = field(name, *number, *kind);
        match count {
            Count::One => {}
            Count::Many => field.label = Some(Label::Repeated.into()),
            Count::OneOf(group) => {
                let known = described.oneof_decl.iter().position(|known| known.name() == *group);
                let at = known.unwrap_or_else(|| {
                    let group = Some((*group).to_owned());
                    described.oneof_decl.push(OneofDescriptorProto { name: group, ..OneofDescriptorProto::default() });
                    described.oneof_decl.len() - 1
                });
                field.oneof_index = i32::try_from(at).ok();
            }
        }
        if matches!(kind, Kind::Map) {
            // A map is a list of entries, each a message of its own.
            let entry = entry(name);
            field.type_name = Some(format!("{qualified}.{}", entry.name()));
            described.nested_type.push(entry);
        }
        described.field.push(field);
    }
    described
}

fn field(name: &str, number: i32, kind: Kind) -> FieldDescriptorProto {
    let (r#type, type_name) = match kind {
        Kind::Text => (Type::String, None),
        Kind::Bytes => (Type::Bytes, None),
        Kind::Int32 => (Type::Int32, None),
        Kind::Bool => (Type::Bool, None),
        Kind::Map => (Type::Message, None),
        Kind::Message(name) => (Type::Message, Some(name)),
        Kind::Enum(name) => (Type::Enum, Some(name)),
    };
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(r#type.into()),
        type_name: type_name.map(str::to_owned),
        ..FieldDescriptorProto::default()
    }
}

/// The entry of a map from texts to texts; its name is the field's in capitals.
fn entry(field_name: &str) -> DescriptorProto {
    let words = field_name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
    DescriptorProto {
        name: Some(words.collect::<String>() + "Entry"),
        field: vec![field("key", 1, Kind::Text), field("value", 2, Kind::Text)],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    }
}

fn enumeration(name: &str, values: &[(&str, i32)]) -> EnumDescriptorProto {
    let value = |(name, number): &(&str, i32)| EnumValueDescriptorProto {
        name: Some((*name).to_owned()),
        number: Some(*number),
        options: None,
    };
    EnumDescriptorProto {
        name: Some(name.to_owned()),
        value: values.iter().map(value).collect(),
        ..EnumDescriptorProto::default()
    }
}

fn service(name: &str, methods: &[Method]) -> ServiceDescriptorProto {
    let method = |Method(name, takes, takes_many, gives, gives_many): &Method| MethodDescriptorProto {
        name: Some((*name).to_owned()),
        input_type: Some((*takes).to_owned()),
        output_type: Some((*gives).to_owned()),
        options: None,
        client_streaming: Some(*takes_many),
        server_streaming: Some(*gives_many),
    };
    ServiceDescriptorProto { name: Some(name.to_owned()), method: methods.iter().map(method).collect(), options: None }
}
