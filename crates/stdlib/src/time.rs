//! `time`: clocks. Calendar functions are still to come.

use retic_runtime::types::module;
use retic_runtime::{Cx, PyResult};

#[retic_macros::methods]
mod functions {
    //! This module provides various functions to manipulate time values.
    use super::*;

    /// Return the current time in seconds since the Epoch.
    #[py("time()")]
    pub fn time(cx: &mut Cx) -> f64 {
        cx.host.time()
    }
    /// Return the current time in nanoseconds since the Epoch.
    #[py("time_ns()")]
    pub fn time_ns(cx: &mut Cx) -> i64 {
        (cx.host.time() * 1e9) as i64
    }
    /// Performance counter for benchmarking.
    #[py("perf_counter()")]
    pub fn perf_counter(cx: &mut Cx) -> f64 {
        cx.host.monotonic()
    }
    /// Performance counter for benchmarking as nanoseconds.
    #[py("perf_counter_ns()")]
    pub fn perf_counter_ns(cx: &mut Cx) -> i64 {
        (cx.host.monotonic() * 1e9) as i64
    }
    /// Monotonic clock, cannot go backward.
    #[py("monotonic()")]
    pub fn monotonic(cx: &mut Cx) -> f64 {
        cx.host.monotonic()
    }
    /// Process time for profiling: sum of the kernel and user-space CPU time.
    #[py("process_time()")]
    pub fn process_time(cx: &mut Cx) -> f64 {
        cx.host.clock_ns(retic_runtime::host::Clock::ProcessCpu) as f64 / 1e9
    }
    /// Delay execution for a given number of seconds.
    #[py("sleep(seconds, /)")]
    pub fn sleep(cx: &mut Cx, seconds: f64) -> PyResult<()> {
        if seconds < 0.0 {
            return Err(cx.value_error("sleep length must be non-negative"));
        }
        cx.host.flush();
        cx.host.sleep(seconds);
        Ok(())
    }
}

pub fn make(cx: &mut Cx) -> PyResult {
    Ok(module::of_functions(cx, "time", functions::DOC, functions::FUNCTIONS)?.into_obj())
}
