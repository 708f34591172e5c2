//! Python virtual environments that we manage.
