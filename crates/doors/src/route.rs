//! Which door a request knocks at: a pure function of its path.

/// What is asked of the door listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'p> {
    /// `/v1/verify`.
    Verify,
    /// `/v1/verify/batch`.
    VerifyBatch,
    /// `/v1/introspect` and `/v1/introspect/api/<slug>`, and both with `/apache` behind them.
    Introspect {
        /// The API that the caller's configuration names, as it stands in the path.
        pin: Option<&'p str>,
        /// Whether the question is Apache's.
        is_apache: bool,
    },
    /// `/v1/authorize` and `/v1/authorize/api/<slug>`.
    Authorize {
        /// The API that the gateway's configuration names, as it stands in the path.
        pin: Option<&'p str>,
    },
    /// `/v1/authorize/nginx` and `/v1/authorize/api/<slug>/nginx`; with `/line` behind it who asks is told in one header.
    Nginx {
        /// The API that the gateway's configuration names, as it stands in the path.
        pin: Option<&'p str>,
        /// Whether it is told in one header.
        in_line: bool,
    },
    /// `/v1/authorize/traefik` and `/v1/authorize/api/<slug>/traefik`.
    Traefik {
        /// The API that the gateway's configuration names, as it stands in the path.
        pin: Option<&'p str>,
    },
    /// `/v1/authorize/envoy/…` and `/v1/authorize/api/<slug>/envoy/…`.
    Envoy {
        /// The API that the gateway's configuration names, as it stands in the path.
        pin: Option<&'p str>,
    },
    /// Envoy's `envoy.service.auth.v3.Authorization/Check`.
    Check,
    /// `grpc.health.v1.Health/Check`.
    Health,
    /// `grpc.health.v1.Health/Watch`.
    HealthWatch,
    /// `grpc.reflection.v1.ServerReflection/ServerReflectionInfo`.
    Reflection,
    /// `/v1/whoami`.
    Whoami,
    /// `/v1/openapi.json`.
    OpenApi,
    /// Nothing that is served.
    Unknown,
}

/// The method of Envoy's external authorization.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
/// gRPC's own health check.
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// What gRPC's tools ask for the services that there are.
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/// What stands before the path that Envoy asks about.
const ENVOY: &str = "/envoy";

/// The request that Envoy asks about: what stands behind the door's own prefix in the target of its question.
pub(crate) fn asked_by_envoy<'t>(target: &'t str, pin: Option<&str>) -> &'t str {
    let prefix = "/v1/authorize".len() + pin.map_or(0, |pin| "/api/".len() + pin.len()) + ENVOY.len();
    target.get(prefix..).unwrap_or_default()
}

/// Whether Envoy's prefix stands there, and behind it a path, a query or nothing.
fn begins_with_envoy(rest: &str) -> bool {
    rest.strip_prefix(ENVOY).is_some_and(|path| path.is_empty() || path.starts_with('/'))
}

// === impl Call ===

impl<'p> Call<'p> {
    /// The call of a path without query. Paths compare exactly: a gateway's configuration is not a client's input.
    pub fn of_path(path: &'p str) -> Self {
        let Some(rest) = path.strip_prefix("/v1/") else { return Self::of_grpc(path) };
        if let Some(rest) = rest.strip_prefix("authorize") {
            return Self::of_authorize(rest).unwrap_or(Self::Unknown);
        }
        if let Some(rest) = rest.strip_prefix("introspect") {
            return Self::of_introspect(rest).unwrap_or(Self::Unknown);
        }
        match rest {
            "verify" => Self::Verify,
            "verify/batch" => Self::VerifyBatch,
            "whoami" => Self::Whoami,
            "openapi.json" => Self::OpenApi,
            _ => Self::Unknown,
        }
    }

    /// Its path as a template.
    pub(crate) fn route(&self) -> &'static str {
        match self {
            Self::Verify => "/v1/verify",
            Self::VerifyBatch => "/v1/verify/batch",
            Self::Introspect { pin: None, is_apache: false } => "/v1/introspect",
            Self::Introspect { pin: None, is_apache: true } => "/v1/introspect/apache",
            Self::Introspect { pin: Some(_), is_apache: false } => "/v1/introspect/api/{api}",
            Self::Introspect { pin: Some(_), is_apache: true } => "/v1/introspect/api/{api}/apache",
            Self::Authorize { pin: None } => "/v1/authorize",
            Self::Authorize { pin: Some(_) } => "/v1/authorize/api/{api}",
            Self::Nginx { pin: None, in_line: false } => "/v1/authorize/nginx",
            Self::Nginx { pin: Some(_), in_line: false } => "/v1/authorize/api/{api}/nginx",
            Self::Nginx { pin: None, in_line: true } => "/v1/authorize/nginx/line",
            Self::Nginx { pin: Some(_), in_line: true } => "/v1/authorize/api/{api}/nginx/line",
            Self::Traefik { pin: None } => "/v1/authorize/traefik",
            Self::Traefik { pin: Some(_) } => "/v1/authorize/api/{api}/traefik",
            Self::Envoy { pin: None } => "/v1/authorize/envoy",
            Self::Envoy { pin: Some(_) } => "/v1/authorize/api/{api}/envoy",
            Self::Check => CHECK,
            Self::Health => HEALTH,
            Self::HealthWatch => HEALTH_WATCH,
            Self::Reflection => REFLECTION,
            Self::Whoami => "/v1/whoami",
            Self::OpenApi => "/v1/openapi.json",
            Self::Unknown => "unknown",
        }
    }

    fn of_grpc(path: &str) -> Self {
        match path {
            CHECK => Self::Check,
            HEALTH => Self::Health,
            HEALTH_WATCH => Self::HealthWatch,
            REFLECTION => Self::Reflection,
            _ => Self::Unknown,
        }
    }

    fn of_introspect(rest: &'p str) -> Option<Self> {
        if let "" | "/apache" = rest {
            return Some(Self::Introspect { pin: None, is_apache: !rest.is_empty() });
        }
        let pinned = rest.strip_prefix("/api/")?;
        let (slug, form) = pinned.split_once('/').map_or((pinned, None), |(slug, form)| (slug, Some(form)));
        let is_apache = form == Some("apache");
        let is_known = !slug.is_empty() && (form.is_none() || is_apache);
        is_known.then_some(Self::Introspect { pin: Some(slug), is_apache })
    }

    fn of_authorize(rest: &'p str) -> Option<Self> {
        if begins_with_envoy(rest) {
            return Some(Self::Envoy { pin: None });
        }
        match rest {
            "" => return Some(Self::Authorize { pin: None }),
            "/nginx" => return Some(Self::Nginx { pin: None, in_line: false }),
            "/nginx/line" => return Some(Self::Nginx { pin: None, in_line: true }),
            "/traefik" => return Some(Self::Traefik { pin: None }),
            _ => {}
        }
        let pinned = rest.strip_prefix("/api/")?;
        let (slug, form) = pinned.split_once('/').map_or((pinned, None), |(slug, form)| (slug, Some(form)));
        let pin = Some(slug).filter(|slug| !slug.is_empty());
        pin?;
        match form {
            None => Some(Self::Authorize { pin }),
            Some("nginx") => Some(Self::Nginx { pin, in_line: false }),
            Some("nginx/line") => Some(Self::Nginx { pin, in_line: true }),
            Some("traefik") => Some(Self::Traefik { pin }),
            Some(_) => begins_with_envoy(&pinned[slug.len()..]).then_some(Self::Envoy { pin }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_has_its_path_and_its_pinned_form() {
        for (path, call) in [
            ("/v1/verify", Call::Verify),
            ("/v1/verify/batch", Call::VerifyBatch),
            ("/v1/authorize", Call::Authorize { pin: None }),
            ("/v1/authorize/nginx", Call::Nginx { pin: None, in_line: false }),
            ("/v1/authorize/nginx/line", Call::Nginx { pin: None, in_line: true }),
            ("/v1/authorize/api/github", Call::Authorize { pin: Some("github") }),
            ("/v1/authorize/api/github/nginx", Call::Nginx { pin: Some("github"), in_line: false }),
            ("/v1/authorize/api/github/nginx/line", Call::Nginx { pin: Some("github"), in_line: true }),
            ("/v1/authorize/traefik", Call::Traefik { pin: None }),
            ("/v1/authorize/api/github/traefik", Call::Traefik { pin: Some("github") }),
            ("/v1/authorize/api/nginx", Call::Authorize { pin: Some("nginx") }),
            ("/v1/authorize/envoy", Call::Envoy { pin: None }),
            ("/v1/authorize/envoy/", Call::Envoy { pin: None }),
            ("/v1/authorize/envoy/api/a/nginx", Call::Envoy { pin: None }),
            ("/v1/authorize/api/github/envoy/a//b", Call::Envoy { pin: Some("github") }),
            ("/v1/authorize/api/envoy", Call::Authorize { pin: Some("envoy") }),
            ("/v1/authorize/api/envoy/envoy", Call::Envoy { pin: Some("envoy") }),
            ("/envoy.service.auth.v3.Authorization/Check", Call::Check),
            ("/grpc.health.v1.Health/Check", Call::Health),
            ("/grpc.health.v1.Health/Watch", Call::HealthWatch),
            ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Call::Reflection),
            ("/v1/introspect", Call::Introspect { pin: None, is_apache: false }),
            ("/v1/introspect/apache", Call::Introspect { pin: None, is_apache: true }),
            ("/v1/introspect/api/github", Call::Introspect { pin: Some("github"), is_apache: false }),
            ("/v1/introspect/api/apache", Call::Introspect { pin: Some("apache"), is_apache: false }),
            ("/v1/introspect/api/github/apache", Call::Introspect { pin: Some("github"), is_apache: true }),
            ("/v1/whoami", Call::Whoami),
            ("/v1/openapi.json", Call::OpenApi),
        ] {
            assert_eq!(Call::of_path(path), call, "{path}");
        }
    }

    #[test]
    fn what_envoy_asks_about_stands_behind_the_prefix_as_it_came() {
        for (target, pin, asked) in [
            ("/v1/authorize/envoy/a?b=/c", None, "/a?b=/c"),
            ("/v1/authorize/api/github/envoy//a/../b", Some("github"), "//a/../b"),
            ("/v1/authorize/api/envoy/envoy/envoy", Some("envoy"), "/envoy"),
            ("/v1/authorize/envoy?x", None, "?x"),
            ("/v1/authorize/envoy", None, ""),
        ] {
            assert_eq!(Call::of_path(target.split('?').next().unwrap_or_default()), Call::Envoy { pin });
            assert_eq!(asked_by_envoy(target, pin), asked, "{target}");
        }
    }

    #[test]
    fn anything_else_is_no_door() {
        for path in [
            "",
            "/",
            "*",
            "/v1",
            "/v1/",
            "/v2/verify",
            "/v1/verify/",
            "/v1//verify",
            "/V1/verify",
            "/v1/authorizer",
            "/v1/authorize/",
            "/v1/authorize/api",
            "/v1/authorize/api/",
            "/v1/authorize/api//nginx",
            "/v1/authorize/api/github/",
            "/v1/authorize/api/github/nginx/",
            "/v1/authorize/api/github/nginx/lines",
            "/v1/authorize/nginx/",
            "/v1/authorize/api/github/envoyer",
            "/v1/authorize/envoyer/a",
            "/envoy.service.auth.v2.Authorization/Check",
            "/v1/authorize/api/a/b/nginx",
            "/v1/authorize/Nginx",
            "/v1/introspection",
            "/v1/introspect/",
            "/v1/introspect/api/",
            "/v1/introspect/api/a/b",
        ] {
            assert_eq!(Call::of_path(path), Call::Unknown, "{path}");
        }
    }
}
