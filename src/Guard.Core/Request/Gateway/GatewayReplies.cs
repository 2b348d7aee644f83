using Guard.Core.Errors;
using Guard.Core.Options;
using Guard.Core.Request.Admission;
using Guard.Core.Request.Delivery;
using Guard.Core.Request.Targets;
using Guard.Core.Transport.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Guard.Core.Request.Gateway;

/// <summary>What the gateway answers itself: refusals, preflights of any gateway form, and its own metadata. Thread-safe.</summary>
internal sealed class GatewayReplies(TargetParser parser, CorsPolicy cors, LastReply lastReply, LiveOptions options, TimeProvider time)
{
    /// <summary>Answers a request that names no actor.</summary>
    public async ValueTask<RequestEnd> AnswerAsync(HttpContext context)
    {
        lastReply.MarkOnStart(context);
        if (!CorsPolicy.IsPreflight(context.Request))
        {
            await Metadata.WriteAsync(context);
            return RequestEnd.Answered;
        }

        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!parser.IsGatewayForm(TargetRequest.From(rawTarget, context.Request.Headers.Host, context.Request.Headers, isWebSocket: false)))
        {
            return RequestEnd.Refused(GuardErrors.NoRoute(context.Request.Headers.Host, rawTarget));
        }

        cors.AnswerPreflight(context);
        return RequestEnd.Answered;
    }

    /// <summary>Answers with an error; the response must not have started.</summary>
    public async Task RefuseAsync(HttpContext context, GuardError error)
    {
        cors.Apply(context);
        lastReply.MarkOnStart(context);
        await ErrorWriter.WriteAsync(context, error, options.Current);
        if (error.Status == StatusCodes.Status413PayloadTooLarge)
        {
            await LingeringClose.DrainAsync(context, time);
        }
    }
}
