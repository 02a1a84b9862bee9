#include "server/admin/data_files.hpp"

#include "server/admin/permission.hpp"
#include "server/auth/state/login_history_text.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "server/users/users_file.hpp"

#include <utility>

namespace ftpc::server {

std::vector<Problem> find_data_problems(int data, const std::string& path,
                                        const std::optional<FileOwner>& auth)
{
    const std::vector<Place> places{{data, path, users_file_name, Use::replace},
                                    {data, path, sessions_file_name, Use::change},
                                    {data, path, login_history_file_name, Use::replace}};
    const auto refusals = ask_kernel(auth, places);
    if (!refusals)
        return {
            {path, "it is not known whether the login service can use it: " + refusals.error().message()}};
    std::vector<Problem> problems;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto& refusal = (*refusals)[i];
        if (!refusal) continue;
        const std::string where = refusal->itself ? path + "/" + places[i].path : path;
        std::string what = "the login service " + describe(*refusal, places[i], auth);
        const bool same = !problems.empty() && problems.back().where == where; // of the directory itself
        if (!same) problems.push_back({where, std::move(what)});
    }
    return problems;
}

} // namespace ftpc::server
