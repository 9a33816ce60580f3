// Answers the simulation of the gateway, a line at a time: in comes `number TAB context` with the context as JSON, out goes
// JSON with the value of the expression, or with what it threw. A member that is not simulated throws and names itself.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

public class NotSimulated : Exception
{
    public NotSimulated(string member) : base(member + " is not simulated") { }
}

class Part
{
    protected readonly JObject Given;
    readonly string name;

    public Part(string name, JToken given)
    {
        this.name = name;
        Given = (JObject)given;
    }

    // What is given may be null; what is absent is not simulated.
    protected JToken Take(string key)
    {
        JToken value;
        if (!Given.TryGetValue(key, out value)) throw new NotSimulated(name + "." + key);
        return value;
    }

    protected string Text(string key) { return (string)Take(key); }

    protected Exception No(string member) { return new NotSimulated(name + "." + member); }
}

class Body : IMessageBody
{
    readonly string owner;
    readonly string text;
    public readonly ICollection<string> Consumed;

    public Body(string owner, string text, ICollection<string> consumed)
    {
        this.owner = owner;
        this.text = text;
        Consumed = consumed;
    }

    public T As<T>(bool preserveContent = false)
    {
        if (Consumed.Contains(owner)) throw new InvalidOperationException("The body of the " + owner + " was read before.");
        if (!preserveContent) Consumed.Add(owner);
        if (typeof(T) == typeof(string)) return (T)(object)text;
        if (typeof(JToken).IsAssignableFrom(typeof(T))) return (T)(object)JToken.Parse(text);
        throw new NotSimulated("Body.As<" + typeof(T).Name + ">");
    }

    public IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false)
    {
        throw new NotSimulated("Body.AsFormUrlEncodedContent");
    }
}

class Message : Part
{
    readonly string owner;
    readonly ICollection<string> consumed;

    public Message(string owner, JToken given, ICollection<string> consumed) : base(owner, given)
    {
        this.owner = owner;
        this.consumed = consumed;
    }

    public IMessageBody Body { get { var text = Text("Body"); return text == null ? null : new Body(owner, text, consumed); } }

    public IReadOnlyDictionary<string, string[]> Headers
    {
        get { return new Dictionary<string, string[]>(Take("Headers").ToObject<Dictionary<string, string[]>>(), StringComparer.OrdinalIgnoreCase); }
    }
}

class Request : Message, IRequest
{
    public Request(JToken given, ICollection<string> consumed) : base("Request", given, consumed) { }
    public string Method { get { return Text("Method"); } }
    public IUrl Url { get { return new Url("Request.Url", Take("Url")); } }
    public IUrl OriginalUrl { get { return new Url("Request.OriginalUrl", Take("OriginalUrl")); } }
    public string IpAddress { get { return Text("IpAddress"); } }
    public IReadOnlyDictionary<string, string> MatchedParameters { get { return Take("MatchedParameters").ToObject<Dictionary<string, string>>(); } }
    public X509Certificate2 Certificate { get { throw No("Certificate"); } }
    public IPrivateEndpointConnection PrivateEndpointConnection { get { throw No("PrivateEndpointConnection"); } }
}

class Response : Message, IResponse
{
    public Response(string owner, JToken given, ICollection<string> consumed) : base(owner, given, consumed) { }
    public int StatusCode { get { return (int)Take("StatusCode"); } }
    public string StatusReason { get { return Text("StatusReason"); } }
}

class Url : Part, IUrl
{
    public Url(string name, JToken given) : base(name, given) { }
    public string Host { get { return Text("Host"); } }
    public string Path { get { return Text("Path"); } }
    public int Port { get { return (int)Take("Port"); } }
    public string Scheme { get { return Text("Scheme"); } }
    public string QueryString { get { return Text("QueryString"); } }
    public IReadOnlyDictionary<string, string[]> Query { get { return Take("Query").ToObject<Dictionary<string, string[]>>(); } }
}

class Api : Part, ICurrentApi
{
    public Api(JToken given) : base("Api", given) { }
    public string Id { get { return Text("Id"); } }
    public string Name { get { return Text("Name"); } }
    public string Path { get { return Text("Path"); } }
    public string Version { get { return Text("Version"); } }
    public string Revision { get { return Text("Revision"); } }
    public bool IsCurrentRevision { get { throw No("IsCurrentRevision"); } }
    public IEnumerable<string> Protocols { get { throw No("Protocols"); } }
    public IUrl ServiceUrl { get { throw No("ServiceUrl"); } }
    public ISubscriptionKeyParameterNames SubscriptionKeyParameterNames { get { throw No("SubscriptionKeyParameterNames"); } }
}

class Operation : Part, IOperation
{
    public Operation(JToken given) : base("Operation", given) { }
    public string Id { get { return Text("Id"); } }
    public string Method { get { return Text("Method"); } }
    public string Name { get { return Text("Name"); } }
    public string UrlTemplate { get { return Text("UrlTemplate"); } }
}

class Product : Part, IProduct
{
    public Product(JToken given) : base("Product", given) { }
    public string Id { get { return Text("Id"); } }
    public string Name { get { return Text("Name"); } }
    public IEnumerable<IApi> Apis { get { throw No("Apis"); } }
    public bool ApprovalRequired { get { throw No("ApprovalRequired"); } }
    public IEnumerable<IGroup> Groups { get { throw No("Groups"); } }
    public ProductState State { get { throw No("State"); } }
    public int? SubscriptionLimit { get { throw No("SubscriptionLimit"); } }
    public bool SubscriptionRequired { get { throw No("SubscriptionRequired"); } }
}

class Subscription : Part, ISubscription
{
    public Subscription(JToken given) : base("Subscription", given) { }
    public string Id { get { return Text("Id"); } }
    public string Name { get { return Text("Name"); } }
    public string Key { get { return Text("Key"); } }
    public string PrimaryKey { get { throw No("PrimaryKey"); } }
    public string SecondaryKey { get { throw No("SecondaryKey"); } }
    public DateTime CreatedDate { get { throw No("CreatedDate"); } }
    public DateTime? StartDate { get { throw No("StartDate"); } }
    public DateTime? EndDate { get { throw No("EndDate"); } }
}

class LastError : Part, ILastError
{
    public LastError(JToken given) : base("LastError", given) { }
    public string Source { get { return Text("Source"); } }
    public string Reason { get { return Text("Reason"); } }
    public string Message { get { return Text("Message"); } }
    public string Section { get { return Text("Section"); } }
    public string Scope { get { return Text("Scope"); } }
    public string Path { get { throw No("Path"); } }
    public string PolicyId { get { throw No("PolicyId"); } }
}

class Context : Part, IContext
{
    public readonly List<string> Consumed = new List<string>();

    public Context(JObject given) : base("context", given) { }

    T Child<T>(string key, Func<JToken, T> make) where T : class
    {
        var given = Take(key);
        return given.Type == JTokenType.Null ? null : make(given);
    }

    public ICurrentApi Api { get { return Child("Api", given => new Api(given)); } }
    public IOperation Operation { get { return Child("Operation", given => new Operation(given)); } }
    public IProduct Product { get { return Child("Product", given => new Product(given)); } }
    public ISubscription Subscription { get { return Child("Subscription", given => new Subscription(given)); } }
    public ILastError LastError { get { return Child("LastError", given => new LastError(given)); } }
    public IRequest Request { get { return Child("Request", given => new Request(given, Consumed)); } }
    public IResponse Response { get { return Child("Response", given => new Response("Response", given, Consumed)); } }

    public IReadOnlyDictionary<string, object> Variables
    {
        get { return ((JObject)Take("Variables")).Properties().ToDictionary(item => item.Name, item => Variable(item)); }
    }

    object Variable(JProperty given)
    {
        var parts = given.Value as JObject;
        if (parts == null && given.Value.Type == JTokenType.Integer) return (int)given.Value;
        if (parts == null) return ((JValue)given.Value).Value;
        if (parts["jwt"] != null) return Token((JObject)parts["jwt"]);
        return parts["json"] ?? (object)new Response("Variables." + given.Name, parts["response"], Consumed);
    }

    static Jwt Token(JObject claims)
    {
        var lists = claims.Properties().ToDictionary(
            claim => claim.Name,
            claim => claim.Value is JArray ? claim.Value.ToObject<string[]>() : new[] { claim.Value.ToString() });
        return new Jwt { Claims = lists, Subject = (string)claims["sub"], Issuer = (string)claims["iss"], Audiences = lists["aud"] };
    }

    public Guid RequestId { get { return Guid.Parse(Text("RequestId")); } }
    public DateTime Timestamp { get { throw No("Timestamp"); } }
    public TimeSpan Elapsed { get { throw No("Elapsed"); } }
    public IDeployment Deployment { get { throw No("Deployment"); } }
    public IUser User { get { throw No("User"); } }
    public bool Tracing { get { throw No("Tracing"); } }
    public void Trace(string message) { throw No("Trace"); }
}

static class Runtime
{
    static readonly Func<IContext, object>[] methods = Methods().ToArray();

    static IEnumerable<Func<IContext, object>> Methods()
    {
        MethodInfo method;
        for (var i = 0; (method = typeof(Expressions).GetMethod("E" + i, BindingFlags.Static | BindingFlags.NonPublic)) != null; i++)
        {
            if (method.ReturnType == typeof(bool))
            {
                var condition = (Func<IContext, bool>)Delegate.CreateDelegate(typeof(Func<IContext, bool>), method);
                yield return context => condition(context);
            }
            else
            {
                yield return (Func<IContext, object>)Delegate.CreateDelegate(typeof(Func<IContext, object>), method);
            }
        }
    }

    static JObject Answer(string line)
    {
        var parts = line.Split(new[] { '\t' }, 2);
        var context = new Context((JObject)JsonConvert.DeserializeObject(parts[1], new JsonSerializerSettings { DateParseHandling = DateParseHandling.None }));
        try
        {
            var value = methods[int.Parse(parts[0])](context);
            var token = value as JToken;
            var result = token != null && !(token is JValue) ? new JObject { { "json", token } } : value == null ? null : JToken.FromObject(value);
            return new JObject { { "value", result }, { "consumed", new JArray(context.Consumed) } };
        }
        catch (NotSimulated fault) { return new JObject { { "refused", fault.Message } }; }
        catch (NotSupportedException fault) { return new JObject { { "refused", "a helper is not simulated: " + fault.StackTrace } }; }
        catch (Exception fault) { return new JObject { { "threw", fault.GetType().Name + ": " + fault.Message } }; }
    }

    static void Main()
    {
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            Console.Out.WriteLine(Answer(line).ToString(Formatting.None));
            Console.Out.Flush();
        }
    }
}
