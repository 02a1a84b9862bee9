#include "server/ftp/channel/connection_stage.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::server {

void ConnectionStage::advance(Stage to, std::string_view reason)
{
    stage_ = std::max(stage_, to);
    if (reason_.empty()) reason_ = reason;
}

void ConnectionStage::end(Reply last)
{
    if (stage_ >= Stage::closing || last_reply_) return;
    last_reply_ = std::move(last);
    advance(Stage::ending, last_reply_->text);
}

void ConnectionStage::end_at_once(Reply last)
{
    if (stage_ < Stage::closing) last_reply_ = std::move(last);
    advance(Stage::cut_off, last_reply_ ? std::string_view{last_reply_->text} : std::string_view{});
}

void ConnectionStage::close(std::string_view reason)
{
    advance(Stage::closing, reason);
}

void ConnectionStage::input_ended(std::string_view reason)
{
    advance(Stage::input_ended, reason);
}

void ConnectionStage::cut_off(std::string_view reason)
{
    advance(Stage::cut_off, reason);
}

void ConnectionStage::output_failed(std::string_view reason)
{
    advance(Stage::unreachable, reason);
}

std::string_view ConnectionStage::reason() const
{
    return last_reply_ ? std::string_view{last_reply_->text} : std::string_view{reason_};
}

} // namespace ftpc::server
