// Values to JSON and back by one list of fields per type, so that the two directions cannot differ:
//
//   template <class Archive> void fields(Archive& archive, HostInfo& host) {
//     archive("kernel", host.kernel);
//   }
#pragma once

#include <cmath>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"
#include "trace/run.h"

namespace observe::json {

// Not the ordered kind: there every look-up is linear, and a hostile file could have a million
// keys.
using Json = nlohmann::json;

inline constexpr std::pair<RunKind, std::string_view> kRunKinds[] = {
    {RunKind::kWorkload, "workload"},
    {RunKind::kCommand, "command"},
    {RunKind::kPid, "pid"},
    {RunKind::kSystem, "system"},
};

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);  // nothing when it is not hex

class Writer {
 public:
  template <class T>
  static Json object(const T& value) {
    Writer writer;
    fields(writer, const_cast<T&>(value));  // the list of fields serves both directions
    return std::move(writer.json_);
  }

  template <class T>
  void operator()(const char* key, const T& value) {
    json_[key] = of(value);
  }
  template <class T>
  void operator()(const char* key, const std::optional<T>& value) {
    if (value) json_[key] = of(*value);
  }

 private:
  static Json of(bool value) { return value; }
  static Json of(std::integral auto value) { return value; }
  static Json of(double value) { return value; }  // not a number becomes null
  static Json of(Time value) { return to_ns(value); }
  static Json of(const std::string& value) {
    if (text::valid_utf8(value) == value) return value;
    return Json{{"hex", to_hex(value)}};
  }
  static Json of(RunKind value) {
    for (const auto& [kind, name] : kRunKinds) {
      if (kind == value) return std::string(name);
    }
    return nullptr;
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  static Json of(Enum value) {
    return raw(value);
  }
  static Json of(const Fact& fact) {
    return std::visit([](const auto& value) { return of(value); }, fact);
  }
  template <class T>
  static Json of(const std::vector<T>& values) {
    Json list = Json::array();
    for (const T& value : values) list.push_back(of(value));
    return list;
  }
  template <class T>
  static Json of(const std::map<std::string, T>& values) {
    Json object = Json::object();
    for (const auto& [key, value] : values) object[text::valid_utf8(key)] = of(value);
    return object;
  }
  template <class T>
    requires std::is_class_v<T>
  static Json of(const T& value) {
    return object(value);
  }

  Json json_ = Json::object();
};

class Reader {
 public:
  // What is wrong, with the key it is at ("threads[2].tid is not a number"); empty: all is well.
  template <class T>
  static std::string read(const Json& json, T& value) {
    std::string wrong;
    Reader reader(json, "", wrong);
    if (!json.is_object()) return "it is not an object";
    fields(reader, value);
    return wrong;
  }

  template <class T>
  void operator()(const char* key, T& value) {
    const auto found = json_.find(key);
    if (found == json_.end()) return;
    get(*found, path_ + key, value);
  }
  template <class T>
  void operator()(const char* key, std::optional<T>& value) {
    const auto found = json_.find(key);
    if (found == json_.end() || found->is_null()) return;
    get(*found, path_ + key, value.emplace());
  }

 private:
  Reader(const Json& json, std::string path, std::string& wrong)
      : json_(json), path_(std::move(path)), wrong_(wrong) {}

  void fail(const std::string& key, const char* what) {
    if (wrong_.empty()) wrong_ = key + " " + what;
  }

  void get(const Json& json, const std::string& key, bool& value) {
    if (!json.is_boolean()) return fail(key, "is not true or false");
    value = json.get<bool>();
  }
  template <std::integral T>
  void get(const Json& json, const std::string& key, T& value) {
    if (!json.is_number_integer()) return fail(key, "is not a whole number");
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                : std::in_range<T>(json.get<std::int64_t>());
    if (!fits) return fail(key, "is out of range");
    value = json.get<T>();
  }
  void get(const Json& json, const std::string& key, double& value) {
    if (json.is_null()) {
      value = std::numeric_limits<double>::quiet_NaN();
      return;
    }
    if (!json.is_number()) return fail(key, "is not a number");
    value = json.get<double>();
  }
  void get(const Json& json, const std::string& key, Time& value) {
    std::int64_t ns = 0;
    get(json, key, ns);
    value = time_at(ns);
  }
  void get(const Json& json, const std::string& key, std::string& value) {
    if (json.is_string()) {
      value = json.get<std::string>();
      return;
    }
    const auto hex = json.is_object() ? json.find("hex") : json.end();
    if (!json.is_object() || hex == json.end() || !hex->is_string()) {
      return fail(key, "is not a text");
    }
    std::optional<std::string> bytes = from_hex(hex->get_ref<const std::string&>());
    if (!bytes) return fail(key, "is not a text");
    value = *std::move(bytes);
  }
  void get(const Json& json, const std::string& key, RunKind& value) {
    for (const auto& [kind, name] : kRunKinds) {
      if (json.is_string() && json.get_ref<const std::string&>() == name) {
        value = kind;
        return;
      }
    }
    fail(key, "is not a kind of run");
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void get(const Json& json, const std::string& key, Enum& value) {
    std::underlying_type_t<Enum> number{};
    get(json, key, number);
    value = Enum{number};
  }
  void get(const Json& json, const std::string& key, Fact& fact) {
    if (json.is_boolean()) {
      fact = json.get<bool>();
    } else if (json.is_number_integer()) {
      std::int64_t number = 0;
      get(json, key, number);
      fact = number;
    } else if (json.is_number() || json.is_null()) {
      double number = 0;
      get(json, key, number);
      fact = number;
    } else {
      std::string words;
      get(json, key, words);
      fact = std::move(words);
    }
  }
  template <class T>
  void get(const Json& json, const std::string& key, std::vector<T>& values) {
    if (!json.is_array()) return fail(key, "is not a list");
    values.clear();
    values.reserve(json.size());
    for (const Json& item : json) {
      const std::string place = key + "[" + std::to_string(values.size()) + "]";
      get(item, place, values.emplace_back());
    }
  }
  template <class T>
  void get(const Json& json, const std::string& key, std::map<std::string, T>& values) {
    if (!json.is_object()) return fail(key, "is not an object");
    values.clear();
    for (const auto& [name, item] : json.items()) {
      std::string place = key;
      place.append(".").append(name);
      get(item, place, values[name]);
    }
  }
  template <class T>
    requires std::is_class_v<T>
  void get(const Json& json, const std::string& key, T& value) {
    if (!json.is_object()) return fail(key, "is not an object");
    Reader inner(json, key + ".", wrong_);
    fields(inner, value);
  }

  const Json& json_;
  std::string path_;
  std::string& wrong_;
};

}  // namespace observe::json
