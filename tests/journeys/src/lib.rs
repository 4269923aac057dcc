//! Journeys through the running product, over HTTP and across processes.
