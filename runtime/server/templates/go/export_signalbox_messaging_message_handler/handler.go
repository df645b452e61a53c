// Package export_signalbox_messaging_message_handler says how often a contact wrote. The bindings look for its functions
// under this name.
package export_signalbox_messaging_message_handler

import (
	"fmt"

	outbox "wit_component/signalbox_messaging_outbox"
	settings "wit_component/signalbox_messaging_settings"
	state "wit_component/signalbox_messaging_state"
	types "wit_component/signalbox_messaging_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// OnMessage is called for each message that comes in.
func OnMessage(message types.InboundMessage) wit.Result[wit.Unit, types.HandlerError] {
	count := state.Increment(state.MakeScopeConversation(), "count", 1, wit.None[uint64]())
	if count.IsErr() {
		return refused("increment")
	}
	which := "your first message"
	if count.Ok() > 1 {
		which = fmt.Sprintf("message %d", count.Ok())
	}
	greeting := settings.Get("greeting").SomeOr("Hello")
	if sent := outbox.Reply(fmt.Sprintf("%s! That was %s.", greeting, which)); sent.IsErr() {
		return refused("reply")
	}
	return wit.Ok[wit.Unit, types.HandlerError](wit.Unit{})
}

// A call that the host refuses is a mistake in this handler: trying again would not help.
func refused(call string) wit.Result[wit.Unit, types.HandlerError] {
	return wit.Err[wit.Unit, types.HandlerError](types.MakeHandlerErrorReject("the host refused " + call))
}
