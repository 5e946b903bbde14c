//! Asking memory for what will be needed, so that other work is done until it comes.

/// Asks for the cache line in which `value` begins. A hint: nothing depends on it.
#[inline]
pub(crate) fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(value);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
