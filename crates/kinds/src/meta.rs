//! Metadata: the forms of names, labels and so on, and the checks of `ObjectMeta`, in apimachinery's words.

mod names;
mod object;
mod selector;

pub(crate) use self::object::too_long;
pub use self::{
    names::{
        NameCheck, c_identifier_errors, config_key_errors, env_var_name_errors,
        name_is_dns1035_label, name_is_label, name_is_subdomain, percent_errors, port_name_errors,
        wildcard_subdomain_errors,
    },
    object::{
        validate_annotations, validate_labels, validate_object_meta, validate_object_meta_update,
    },
    selector::validate_label_selector,
};
pub(crate) use tidegate_schema::form_error;
pub use tidegate_schema::{
    dns1035_label_errors, dns1123_label_errors, dns1123_subdomain_errors, label_value_errors,
    path_segment_errors as name_is_path_segment, qualified_name_errors,
};
