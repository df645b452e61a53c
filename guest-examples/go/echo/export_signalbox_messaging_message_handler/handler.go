// Package export_signalbox_messaging_message_handler answers messages: it says what was written, and how often somebody
// wrote within a day. The bindings look for its functions under this name.
package export_signalbox_messaging_message_handler

import (
	"fmt"
	"strings"

	notes "wit_component/signalbox_messaging_notes"
	outbox "wit_component/signalbox_messaging_outbox"
	state "wit_component/signalbox_messaging_state"
	types "wit_component/signalbox_messaging_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

const dayMs = 24 * 60 * 60 * 1000

// OnMessage is called for each message that comes in.
func OnMessage(message types.InboundMessage) wit.Result[wit.Unit, types.HandlerError] {
	if strings.TrimSpace(message.Text) == "" {
		return rejected("a message without a text can't be repeated")
	}
	count := state.Increment(state.MakeScopeConversation(), "messages", 1, wit.Some[uint64](dayMs))
	if count.IsErr() {
		return refused(count.Err())
	}
	if noted := notes.Number("messages", float64(count.Ok())); noted.IsErr() {
		return refused(noted.Err())
	}
	text := fmt.Sprintf("You wrote: %s (message %d today)", message.Text, count.Ok())
	if sent := outbox.Reply(text); sent.IsErr() {
		return refused(sent.Err())
	}
	return wit.Ok[wit.Unit, types.HandlerError](wit.Unit{})
}

// A call that the host refuses is a mistake in this handler: trying again would not help. All its cases are a text.
func refused(refusal types.CallError) wit.Result[wit.Unit, types.HandlerError] {
	switch refusal.Tag() {
	case types.CallError_Invalid:
		return rejected(refusal.Invalid())
	case types.CallError_Denied:
		return rejected(refusal.Denied())
	default:
		return rejected(refusal.Other())
	}
}

func rejected(why string) wit.Result[wit.Unit, types.HandlerError] {
	return wit.Err[wit.Unit, types.HandlerError](types.MakeHandlerErrorReject(why))
}
