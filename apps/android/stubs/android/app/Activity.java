package android.app;

public class Activity extends android.content.ContextWrapper {
    protected void onCreate(android.os.Bundle savedInstanceState) {}
}
