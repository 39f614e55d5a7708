"""Our models in LangChain."""

from benchmate.model.chat.chat_model import EngineChatModel

__all__ = ["EngineChatModel"]
